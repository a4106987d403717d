import CLinux
import Glibc

@testable import FaultProxy

/// A blocking socket for tests: it blocks a thread of its own, for at most a minute, never one of the pool's.
final class RawSocket: Sendable {
    struct Failure: Error, Equatable {
        var code: Int32
    }

    let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        setTimeout(milliseconds: 60_000)
    }

    deinit { Glibc.close(descriptor) }

    /// Connects to a port of 127.0.0.1.
    static func connect(_ port: Int) throws -> RawSocket {
        let socket = RawSocket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = loopback(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(code: errno) }
        return socket
    }

    /// Listens on any free port of 127.0.0.1.
    static func listen() throws -> (socket: RawSocket, port: Int) {
        let socket = RawSocket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket.descriptor, $0, length) == 0 && Glibc.listen(socket.descriptor, 128) == 0
                    && getsockname(socket.descriptor, $0, &length) == 0
            }
        }
        guard result else { throw Failure(code: errno) }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    func accept() async throws -> RawSocket {
        try await onThread { [self] in
            let socket = Glibc.accept(descriptor, nil, nil)
            guard socket >= 0 else { throw Failure(code: errno) }
            return RawSocket(socket)
        }
    }

    /// Sends all of it.
    func send(_ bytes: [UInt8]) async throws {
        try await onThread { [self] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Failure(code: errno) }
                sent += count
            }
        }
    }

    /// Receives so many bytes, fewer only when the connection ends in order.
    func receive(_ count: Int) async throws -> [UInt8] {
        try await onThread { [self] in
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while bytes.count < count {
                let received = recv(descriptor, &chunk, min(chunk.count, count - bytes.count), 0)
                guard received >= 0 else { throw Failure(code: errno) }
                if received == 0 { break }
                bytes += chunk[..<received]
            }
            return bytes
        }
    }

    /// Whether nothing can be read for so long, not even an end.
    func isSilent(milliseconds: Int32) async throws -> Bool {
        try await onThread { [self] in
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&watched, 1, milliseconds) == 0
        }
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    private func setTimeout(milliseconds: Int) {
        var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        LoopThread.start { continuation.resume(with: Result(catching: body)) }
    }
}
