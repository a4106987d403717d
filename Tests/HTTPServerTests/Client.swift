import CLinux
import Glibc
import HTTPCodec

/// A raw client: what it sends is what the test wrote, what it gets is what came.
///
/// Reading blocks a thread of its own for at most ten seconds, never one of the pool's.
final class Client: Sendable {
    struct Answer: Sendable {
        var status: Int
        var fields: HTTPFields
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Failure: Error {
        case refused(Int32)
        /// The connection ended, was reset or gave nothing for ten seconds, before what was asked for came.
        case broken(code: Int32, received: String)
    }

    private let socket: Int32

    init(port: Int, receiveBuffer: Int32? = nil) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var receiveBuffer {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            Glibc.close(socket)
            throw Failure.refused(code)
        }
    }

    deinit { Glibc.close(socket) }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends what a socket buffer holds; for more there is ``sendAll(_:)``.
    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func get(_ target: String, _ fields: String = "") {
        send("GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
    }

    /// Sends everything from a thread of its own; returns how much went out before the server cut the connection.
    func sendAll(_ bytes: [UInt8]) async -> Int {
        await onThread { [socket] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return sent }
                sent += count
            }
            return sent
        }
    }

    /// Ends our side; the server's answers still come.
    func endSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Ends the connection the rude way.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        // The descriptor must stay ours until deinit: connecting it to nothing sends the reset.
        var nothing = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        connect(socket, &nothing, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Reads until what has come satisfies `isEnough`, and returns it.
    func read(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async throws -> [UInt8] {
        let (received, code) = await onThread { [socket] () -> ([UInt8], Int32?) in
            var received: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while !isEnough(received) {
                let count = recv(socket, &buffer, buffer.count, 0)
                guard count > 0 else { return (received, count == 0 ? 0 : errno) }
                received += buffer[..<count]
            }
            return (received, nil)
        }
        if let code { throw Failure.broken(code: code, received: String(decoding: received, as: UTF8.self)) }
        return received
    }

    /// Reads until the text that has come ends with `suffix`.
    func read(endingWith suffix: String) async throws -> String {
        let bytes = Array(suffix.utf8)
        return String(decoding: try await read { $0.suffix(bytes.count).elementsEqual(bytes) }, as: UTF8.self)
    }

    /// Reads to the server's end of stream.
    func readToEnd() async throws -> String {
        do {
            _ = try await read { _ in false }
            return ""
        } catch Failure.broken(code: 0, let received) {
            return received
        }
    }

    /// Reads one answer of known length, not a byte more.
    func answer() async throws -> Answer {
        let end = Array("\r\n\r\n".utf8)
        let head = try await readExactly { received in
            received.suffix(4).elementsEqual(end) ? nil : 1
        }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        var fields = HTTPFields()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields.append(String(line[..<colon]), String(line[line.index(after: colon)...]))
        }
        let length = Int(fields["Content-Length"] ?? "0") ?? 0
        let body = try await readExactly { received in received.count < length ? length - received.count : nil }
        return Answer(status: Int(lines[0].split(separator: " ")[1])!, fields: fields, body: body)
    }

    /// Reads as many bytes as `wanted` asks for, until it asks for no more.
    private func readExactly(_ wanted: @escaping @Sendable ([UInt8]) -> Int?) async throws -> [UInt8] {
        let (received, code) = await onThread { [socket] () -> ([UInt8], Int32?) in
            var received: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while let count = wanted(received) {
                let got = recv(socket, &buffer, min(count, buffer.count), 0)
                guard got > 0 else { return (received, got == 0 ? 0 : errno) }
                received += buffer[..<got]
            }
            return (received, nil)
        }
        if let code { throw Failure.broken(code: code, received: String(decoding: received, as: UTF8.self)) }
        return received
    }
}

/// Runs blocking work on a thread of its own.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        startThread { continuation.resume(returning: work()) }
    }
}

private final class ThreadBody {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    let result = pthread_create(
        &thread, nil,
        { context in
            Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, context)
    // Without it whoever waits would wait for ever.
    precondition(result == 0, "no thread for a test's client: \(String(cString: strerror(result)))")
    pthread_detach(thread)
}
