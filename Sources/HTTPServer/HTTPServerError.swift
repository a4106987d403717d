import Glibc

/// Why a server cannot listen.
package enum HTTPServerError: Error, Hashable, Sendable {
    /// Another process, or another server of this one, has the port.
    case portTaken(host: String, port: Int)
    /// The kernel keeps ports below 1024 for privileged processes.
    case permissionDenied(port: Int)
    /// The host is no numeric address, or none of this machine.
    case addressUnusable(host: String)
    /// A system call failed for another reason.
    case system(call: String, code: Int32)

    static func of(_ call: String, _ code: Int32, host: String, port: Int) -> HTTPServerError {
        switch code {
        case EADDRINUSE: .portTaken(host: host, port: port)
        case EACCES: .permissionDenied(port: port)
        case EADDRNOTAVAIL, EAFNOSUPPORT: .addressUnusable(host: host)
        default: .system(call: call, code: code)
        }
    }
}

extension HTTPServerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .portTaken(let host, let port):
            "port \(port) on \(host) is taken by another process: stop that one or choose another port"
        case .permissionDenied(let port):
            "port \(port) needs privileges this process does not have: choose a port from 1024 on"
        case .addressUnusable(let host):
            "\(host) is not an address of this machine: use 0.0.0.0, 127.0.0.1 or one of its own"
        case .system(let call, let code):
            "the system call \(call) failed: \(String(cString: strerror(code)))"
        }
    }
}
