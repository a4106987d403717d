import CLinux
import Glibc

/// A bound socket; listens once told to.
final class Listener: Sendable {
    let socket: Int32
    let port: Int
    private let host: String

    /// Binds without listening: the port is ours, clients are still refused.
    init(host: String, port: Int) throws(HTTPServerError) {
        guard (0...65_535).contains(port) else { throw .addressUnusable(host: "\(host):\(port)") }
        self.host = host
        var storage = sockaddr_storage()
        let length = try Self.fill(&storage, host: host, port: port)
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Glibc.socket(Int32(storage.ss_family), type, 0)
        guard socket >= 0 else { throw .of("socket", errno, host: host, port: port) }
        var on: Int32 = 1
        var off: Int32 = 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, size)
        // Accepted sockets inherit it.
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        if storage.ss_family == sa_family_t(AF_INET6) {
            setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, size)
        }
        let bound = withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(socket, $0, length) }
        }
        guard bound == 0 else {
            let code = errno
            close(socket)
            throw .of("bind", code, host: host, port: port)
        }
        self.socket = socket
        self.port = port == 0 ? Self.boundPort(of: socket) : port
    }

    deinit { close(socket) }

    /// From here on clients can connect; they wait until accepted.
    func listen(backlog: Int) throws(HTTPServerError) {
        guard Glibc.listen(socket, Int32(clamping: backlog)) == 0
        else { throw .of("listen", errno, host: host, port: port) }
    }

    enum Accepted {
        case socket(Int32)
        case none
        /// The process or the machine is out of descriptors or memory.
        case exhausted
    }

    func accept() -> Accepted {
        while true {
            let accepted = accept4(socket, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            guard accepted < 0 else { return .socket(accepted) }
            switch errno {
            case EINTR, ECONNABORTED, EPROTO, EPERM: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .none
            }
        }
    }

    private static func fill(
        _ storage: inout sockaddr_storage, host: String, port: Int
    ) throws(HTTPServerError) -> socklen_t {
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = in_port_t(port).bigEndian
        if inet_pton(AF_INET, host, &four.sin_addr) == 1 {
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: four, as: sockaddr_in.self) }
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = in_port_t(port).bigEndian
        guard inet_pton(AF_INET6, host, &six.sin6_addr) == 1 else { throw .addressUnusable(host: host) }
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: six, as: sockaddr_in6.self) }
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }

    private static func boundPort(of socket: Int32) -> Int {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let found = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard found == 0 else { return 0 }
        // The port stands at the same place in both families' addresses.
        return withUnsafeBytes(of: &storage) {
            Int(in_port_t(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: in_port_t.self)))
        }
    }
}
