import Glibc

/// Why the proxy cannot run.
package enum FaultProxyError: Error, Hashable, CustomStringConvertible {
    /// The port of a link is another program's.
    case portTaken(link: String, port: Int)
    /// The control API cannot be served.
    case control(String)
    /// The system refused a call.
    case system(call: String, link: String?, code: Int32)

    package var description: String {
        switch self {
        case .portTaken(let link, let port):
            "Port \(port), for the link \(link), is taken by another program; end that one or choose another port."
        case .control(let reason): "The control API cannot be served: \(reason)"
        case .system(let call, let link, let code):
            "The system refuses \(call)\(link.map { " for the link \($0)" } ?? ""): "
                + "\(String(cString: strerror(code)))."
        }
    }
}
