import Glibc
import Synchronization

/// The port the next listening socket of this process shall get, and what the kernel said to it.
///
/// The mock cluster asks the kernel for any free port and has no setting for it. The executable therefore exports
/// its own `bind`, which the dynamic linker finds before the C library's: while a port is requested, a loopback
/// socket that asked for any port gets the requested one.
struct PortRequest: Sendable {
    /// The port to hand out, or 0 to leave the choice to the kernel.
    var port: UInt16 = 0
    /// How often `bind` ran since the request; 0 afterwards means that the executable does not export it.
    var served = 0

    static let current = Mutex(PortRequest())

    /// Throws when `port` cannot be had, so that the mock cluster is not even tried: it ends the process by
    /// assertion when its `bind` fails.
    static func probe(_ port: UInt16) throws(EmbeddedBrokerError) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        guard bind(socket, reusing: &address) != 0 else { return }
        throw errno == EADDRINUSE ? .portTaken(port) : .portRefused(port, errno: errno)
    }

    /// Binds although clients of the broker that had the port before left connections in TIME_WAIT.
    static func bind(_ socket: Int32, reusing address: inout sockaddr_in) -> Int32 {
        var reuse: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                systemBind?(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) ?? -1
            }
        }
    }
}

private typealias BindFunction =
    @convention(c) (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32

/// The C library's own `bind`: the next definition after this executable's.
private let systemBind: BindFunction? = {
    let next = UnsafeMutableRawPointer(bitPattern: -1)  // RTLD_NEXT, a macro that Swift does not import.
    return dlsym(next, "bind").map { unsafeBitCast($0, to: BindFunction.self) }
}()

/// Takes the place of the C library's `bind` for this process; see ``PortRequest``.
///
/// `package` and not internal: a whole-module build hides internal symbols from the dynamic linker.
@c(bind)
package func bindRequestedPort(_ socket: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> Int32 {
    guard let systemBind else {
        errno = ENOSYS
        return -1
    }
    let wanted = PortRequest.current.withLock { $0.port }
    guard wanted != 0, let address, Int32(address.pointee.sa_family) == AF_INET,
        length >= socklen_t(MemoryLayout<sockaddr_in>.size)
    else { return systemBind(socket, address, length) }

    var chosen = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
    guard chosen.sin_port == 0 else { return systemBind(socket, address, length) }
    chosen.sin_port = wanted.bigEndian
    PortRequest.current.withLock { $0.served += 1 }
    return PortRequest.bind(socket, reusing: &chosen)
}
