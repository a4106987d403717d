import Glibc

/// Why the embedded broker did not start.
package enum BrokerError: Error, Hashable, CustomStringConvertible {
    /// Another process listens on the port.
    case portTaken(UInt16)
    /// The kernel refused the port for another reason.
    case portRefused(UInt16, errno: Int32)
    /// The kernel refused something else.
    case system(call: String, errno: Int32)

    package var description: String {
        switch self {
        case .portTaken(let port):
            "Port \(port) is taken by another process; choose another with --port, or 0 for any free one."
        case .portRefused(let port, let errno):
            "The system refuses port \(port): \(String(cString: strerror(errno)))."
        case .system(let call, let errno):
            "The embedded broker did not start: \(call) failed, \(String(cString: strerror(errno)))."
        }
    }
}
