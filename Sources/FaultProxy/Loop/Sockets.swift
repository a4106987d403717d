import CLinux
import Glibc

/// The calls on TCP sockets that the loop needs.
enum Sockets {
    /// A socket bound to the link's port on an address that does not listen yet.
    static func bound(
        _ link: LinkSpecification, on host: String
    ) throws(FaultProxyError) -> (socket: Int32, port: Int) {
        let socket = Glibc.socket(AF_INET, type, 0)
        guard socket >= 0 else { throw .system(call: "socket", link: link.name, code: errno) }
        set(SO_REUSEADDR, on: socket)
        var address = address(inet_addr(host), port: link.port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0 ? 0 : errno
            }
        }
        guard code == 0 else {
            Glibc.close(socket)
            throw code == EADDRINUSE
                ? .portTaken(link: link.name, port: link.port)
                : .system(call: "bind to port \(link.port)", link: link.name, code: code)
        }
        let port = Int(UInt16(bigEndian: address.sin_port))
        guard link.port == 0 else { return (socket, port) }
        // A port that the kernel chose goes back to it when the socket stops listening; one that was asked for stays.
        Glibc.close(socket)
        var chosen = link
        chosen.port = port
        return try bound(chosen, on: host)
    }

    /// Lets clients connect.
    static func startListening(_ socket: Int32) -> Bool { listen(socket, 1024) == 0 }

    /// Refuses clients while the port stays ours: shutting a listening socket down takes it back to being bound.
    static func stopListening(_ socket: Int32) { shutdown(socket, Int32(SHUT_RD)) }

    enum Accepted {
        case socket(Int32)
        case none
        /// The process is out of descriptors; the client still waits.
        case exhausted
    }

    /// The next client.
    static func accept(_ listener: Int32) -> Accepted {
        let socket = accept4(listener, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
        guard socket >= 0 else { return errno == EMFILE || errno == ENFILE ? .exhausted : .none }
        withoutDelay(socket)
        return .socket(socket)
    }

    /// A connection to an address in network order that has begun; nil when the system refuses even that.
    static func connecting(to host: UInt32, port: Int) -> Int32? {
        let socket = Glibc.socket(AF_INET, type, 0)
        guard socket >= 0 else { return nil }
        withoutDelay(socket)
        var address = address(host, port: port)
        let hasBegun = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 || errno == EINPROGRESS
            }
        }
        guard hasBegun else {
            Glibc.close(socket)
            return nil
        }
        return socket
    }

    /// Whether something on this machine takes a connection to the port; blocks for the moment that takes.
    static func isOpen(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { Glibc.close(socket) }
        var address = address(inet_addr("127.0.0.1"), port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// What became of a connection that had begun: 0, or the error.
    static func connectResult(_ socket: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }

    /// Ends a connection: with a FIN, or with a RST.
    static func close(_ socket: Int32, _ cut: LaneFaults.Cut) {
        if cut == .reset {
            var none = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
        }
        Glibc.close(socket)
    }

    private static let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

    private static func address(_ host: UInt32, port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = host
        return address
    }

    private static func set(_ option: Int32, on socket: Int32) {
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func withoutDelay(_ socket: Int32) {
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
}
