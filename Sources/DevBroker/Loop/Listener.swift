import CLinux
import Glibc

/// A socket that listens on 127.0.0.1.
struct Listener: ~Copyable {
    let socket: Int32
    let port: UInt16

    /// Listens on `port` (0: any free one), although clients of a broker that had it before left connections in
    /// TIME_WAIT.
    init(port: UInt16) throws(BrokerError) {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Glibc.socket(AF_INET, type, 0)
        guard socket >= 0 else { throw .system(call: "socket", errno: errno) }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, size)
        // Accepted sockets inherit it.
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 1024) == 0 && getsockname(socket, $0, &length) == 0
                    ? 0 : errno
            }
        }
        guard code == 0 else {
            Glibc.close(socket)
            throw code == EADDRINUSE ? .portTaken(port) : .portRefused(port, errno: code)
        }
        self.socket = socket
        self.port = UInt16(bigEndian: address.sin_port)
    }

    deinit { Glibc.close(socket) }

    enum Accepted {
        case socket(Int32)
        case none
        /// The process or the machine is out of descriptors; the client still waits.
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
}
