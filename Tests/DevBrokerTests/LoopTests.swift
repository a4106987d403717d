import Clocks
import Glibc
import LocalStack
import TestSupport
import Testing

@testable import DevBroker

@Suite("The broker's sockets")
struct LoopTests {
    /// A client that sends what it is told to, however wrong.
    private final class RawClient {
        private let socket: Int32

        init(port: Int) throws {
            socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var patience = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            let socket = socket
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(result == 0)
        }

        deinit { close(socket) }

        func send(_ bytes: [UInt8]) {
            _ = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }

        /// Exactly so many bytes; fewer when the connection ends before.
        func receive(_ count: Int) -> [UInt8] {
            var received: [UInt8] = []
            while received.count < count {
                var buffer = [UInt8](repeating: 0, count: min(65_536, count - received.count))
                let length = recv(socket, &buffer, buffer.count, 0)
                guard length > 0 else { break }
                received += buffer.prefix(length)
            }
            return received
        }

        /// The next answer, with its correlation; nil when the connection ends.
        func answer() throws -> ByteReader? {
            var length = ByteReader(receive(4))
            guard length.remaining == 4 else { return nil }
            return ByteReader(receive(Int(try length.integer(Int32.self))))
        }
    }

    private func framed(_ request: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.byteString(request)
        return writer.bytes
    }

    @Test("requests that come in one piece, or byte by byte, are answered in their order")
    func pipelining() async throws {
        let broker = try await TestBroker.start(topics: ["t": 1])
        let client = try RawClient(port: broker.port)
        let fetch = Bench.frame(.fetch, 11, correlation: 1) {
            Bench.writeFetch(&$0, 0, "t", 0, wait: 20_000, minimum: 1, maximum: 1000)
        }
        let versions = Bench.frame(.apiVersions, 0, correlation: 2) { _ in }
        client.send(framed(fetch) + framed(versions))
        // The second request ends the wait of the first.
        for correlation in 1...2 {
            var answer = try #require(try client.answer())
            #expect(try answer.integer(Int32.self) == Int32(correlation))
        }
        for byte in framed(Bench.frame(.apiVersions, 0, correlation: 3) { _ in }) { client.send([byte]) }
        var answer = try #require(try client.answer())
        #expect(try answer.integer(Int32.self) == 3)
        await broker.stop()
    }

    @Test("a client that speaks something else is let go with a word in the log, and others are served on")
    func malformed() async throws {
        let broker = try await TestBroker.start(topics: ["t": 1])
        for bytes in [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), framed([0, 99, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF]), framed([1]),
        ] {
            let client = try RawClient(port: broker.port)
            client.send(bytes)
            #expect(client.receive(1).isEmpty, "the connection is closed")
        }
        let lines = broker.process.lastLines().filter { $0.contains("closed a client's connection") }
        #expect(lines.count == 3 && lines.contains { $0.contains("API 99") }, "\(lines)")
        let client = try RawClient(port: broker.port)
        client.send(framed(Bench.frame(.apiVersions, 0) { _ in }))
        #expect(try client.answer() != nil)
        await broker.stop()
    }

    @Test("a client that asks for much and reads nothing holds up nobody")
    func slowReader() async throws {
        let broker = try await TestBroker.start(topics: ["t": 1])
        let batch = Batches.make([String(repeating: "x", count: 900_000)])
        let writer = try RawClient(port: broker.port)
        for correlation in 1...8 as ClosedRange<Int32> {
            writer.send(
                framed(
                    Bench.frame(.produce, 7, correlation: correlation) {
                        Bench.writeProduce(&$0, batch, "t", 0, acks: -1)
                    }))
            _ = try #require(try writer.answer())
        }
        let slow = try RawClient(port: broker.port)
        let fetch = framed(
            Bench.frame(.fetch, 11) {
                Bench.writeFetch(&$0, 0, "t", 0, wait: 0, minimum: 1, maximum: 8_000_000)
            })
        for _ in 0..<200 { slow.send(fetch) }
        writer.send(framed(Bench.frame(.apiVersions, 0, correlation: 9) { _ in }))
        var answer = try #require(try writer.answer())
        #expect(try answer.integer(Int32.self) == 9)
        let status = Files.text("/proc/\(broker.process.pid)/status") ?? ""
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?
            .split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
        #expect(try #require(peak) < 200_000, "kilobytes; 200 answers would be 1.4 GB")
        #expect(slow.receive(8_000_000).count == 8_000_000, "and what it asked for is there when it reads")
        await broker.stop()
    }
}
