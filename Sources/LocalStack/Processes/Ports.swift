import Clocks
import Glibc

/// TCP ports of this machine's loopback.
package enum Ports {
    /// Whether a server could listen on the port now.
    package static func isFree(_ port: Int) -> Bool {
        bound(port) != nil
    }

    /// Below the ports that the system gives to outgoing connections, of which one would soon have what was free just now.
    private static let range = 10_000..<32_000

    /// A port that was free a moment ago. Another program may take it first: who needs certainty retries.
    package static func anyFree() -> Int {
        let random = SystemRandom()
        for _ in 0..<200 {
            let port = range.lowerBound + Int(random.next() % UInt64(range.count))
            if isFree(port) { return port }
        }
        return bound(0) ?? 0
    }

    /// The first of so many ports in a row that were free a moment ago; nil when there are none.
    ///
    /// Where the search begins depends on the process, so that several do not find the same.
    package static func freeRow(of count: Int) -> Int? {
        let step = 100
        let rows = (range.count - count) / step
        guard rows > 0 else { return nil }
        for offset in 0..<rows {
            let first = range.lowerBound + (Int(getpid()) * 7 + offset) % rows * step
            if (first..<first + count).allSatisfy(isFree) { return first }
        }
        return nil
    }

    /// Whether a server takes connections on the port now.
    package static func accepts(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // On the loopback this is answered or refused at once.
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func bound(_ port: Int) -> Int? {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        // As servers do: connections of an earlier run that linger in TIME_WAIT do not count.
        var yes: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        // Any address: a server on a wildcard address takes the port on the loopback too.
        address.sin_addr.s_addr = 0
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard bind(socket, pointer, length) == 0, listen(socket, 1) == 0 else { return -1 }
                return Int(getsockname(socket, pointer, &length))
            }
        }
        return result == 0 ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}
