import Clocks
import HTTPCodec
import HTTPServer
import Testing

@Suite("Streaming", .timeLimit(.minutes(1)))
struct StreamingTests {
    private static func stream(
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) -> HTTPResponse {
        HTTPResponse(status: .ok, fields: ["Content-Type": "text/event-stream"], body: .stream(HTTPBodyStream(produce)))
    }

    @Test("each piece arrives while the stream goes on, and the connection serves on after its end")
    func pieces() async throws {
        let next = Signal()
        let handler: HTTPHandler = { request in
            guard request.target == "/events" else { return text("after") }
            return Self.stream { writer in
                try await writer.write("one")
                try await next.wait()
                try await writer.write("two")
            }
        }
        try await withServer(handler: handler) { _, port in
            let client = try Client(port: port)
            client.get("/events")
            let begin = try await client.read(endingWith: "\r\n\r\n3\r\none\r\n")
            #expect(begin.contains("Transfer-Encoding: chunked"))
            next.raise()
            _ = try await client.read(endingWith: "3\r\ntwo\r\n0\r\n\r\n")
            client.get("/")
            #expect(try await client.answer().text == "after")
        }
    }

    @Test("a writer waits for a slow reader, with a bounded amount unsent, and nothing is lost")
    func backPressure() async throws {
        let written = Box(0)
        let pieces = 400
        let piece = String(repeating: "x", count: 32 * 1024)
        let handler: HTTPHandler = { _ in
            Self.stream { writer in
                for _ in 0..<pieces {
                    try await writer.write(piece)
                    written.update { $0 += piece.utf8.count }
                }
            }
        }
        try await withServer(handler: handler) { server, port in
            let client = try Client(port: port, receiveBuffer: 16 * 1024)
            client.get("/", "Connection: close\r\n")
            _ = try await client.read { !$0.isEmpty }
            // The writer has stopped when other requests are answered and it has not moved between two of them.
            let other = try Client(port: port)
            var before = -1
            while before != written.value {
                before = written.value
                for _ in 0..<50 {
                    other.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
                    _ = try await other.read(endingWith: "\r\n\r\n")
                }
            }
            // Kernel buffers take a few megabytes on loopback; ours is 64 KiB.
            #expect(written.value < pieces * piece.utf8.count / 2)
            let rest = try await client.readToEnd()
            #expect(rest.hasSuffix("\r\n0\r\n\r\n"))
            #expect(written.value == pieces * piece.utf8.count)
        }
    }

    @Test("when the reader leaves, the writer's next write throws")
    func readerLeaves() async throws {
        let ended = Signal()
        let handler: HTTPHandler = { _ in
            Self.stream { writer in
                do {
                    while true { try await writer.write("tick\n") }
                } catch {
                    ended.raise()
                    throw error
                }
            }
        }
        try await withServer(handler: handler) { server, port in
            let client = try Client(port: port)
            client.get("/")
            _ = try await client.read { $0.count > 1000 }
            client.reset()
            try await ended.wait()
        }
    }

    @Test("a reader that ends its side cancels a writer that waits for an event")
    func quietReaderLeaves() async throws {
        let ended = Signal()
        let never = Signal()
        let handler: HTTPHandler = { _ in
            Self.stream { writer in
                try await writer.write("hello")
                do {
                    try await never.wait()
                } catch {
                    ended.raise()
                    throw error
                }
            }
        }
        try await withServer(handler: handler) { server, port in
            let client = try Client(port: port)
            client.get("/")
            _ = try await client.read(endingWith: "hello\r\n")
            client.endSending()
            try await ended.wait()
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("a stream whose writer fails ends without its last chunk")
    func failure() async throws {
        struct Broken: Error {}
        let handler: HTTPHandler = { _ in
            Self.stream { writer in
                try await writer.write("abc")
                throw Broken()
            }
        }
        try await withServer(handler: handler) { server, port in
            let client = try Client(port: port)
            client.get("/")
            #expect(try await client.readToEnd().hasSuffix("3\r\nabc\r\n"))
            #expect(server.statistics.abandoned == 1)
        }
    }

    @Test("HEAD of a stream does not run it")
    func head() async throws {
        let ran = Box(false)
        let handler: HTTPHandler = { _ in Self.stream { _ in ran.update { $0 = true } } }
        try await withServer(handler: handler) { _, port in
            let client = try Client(port: port)
            for _ in 0..<3 {
                client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try await client.read(endingWith: "\r\n\r\n")
            }
        }
        #expect(!ran.value)
    }

    @Test("two hundred streams at once each get every event in order")
    func fanOut() async throws {
        let go = Signal()
        let handler: HTTPHandler = { _ in
            Self.stream { writer in
                try await writer.write("ready\n")
                try await go.wait()
                for number in 0..<50 { try await writer.write("\(number)\n") }
            }
        }
        let expected =
            (0..<50).map { number in
                let line = "\(number)\n"
                return "\(line.utf8.count)\r\n\(line)\r\n"
            }.joined() + "0\r\n\r\n"
        try await withServer(handler: handler) { _, port in
            let clients = try (0..<200).map { _ in try Client(port: port) }
            for client in clients {
                client.get("/", "Connection: close\r\n")
                _ = try await client.read(endingWith: "ready\n\r\n")
            }
            go.raise()
            for client in clients { #expect(try await client.readToEnd() == expected) }
        }
    }
}
