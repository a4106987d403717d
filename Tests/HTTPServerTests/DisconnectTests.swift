import Clocks
import HTTPCodec
import HTTPServer
import Testing

@Suite("Clients that leave", .timeLimit(.minutes(1)))
struct DisconnectTests {
    /// A handler that says when it runs, waits for ever, and says when it was cancelled.
    private struct Patient: Sendable {
        let started = Signal()
        let cancelled = Signal()
        private let never = Signal()

        func handle(_ request: HTTPRequest) async -> HTTPResponse {
            started.raise()
            do { try await never.wait() } catch { cancelled.raise() }
            return text("cancelled")
        }
    }

    @Test("a client that closes cancels its handler")
    func close() async throws {
        let patient = Patient()
        try await withServer(handler: patient.handle) { server, port in
            do {
                let client = try Client(port: port)
                client.get("/")
                try await patient.started.wait()
            }
            try await patient.cancelled.wait()
        }
    }

    @Test("a client that resets cancels its handler and is counted")
    func reset() async throws {
        let patient = Patient()
        let abandoned = Signal()
        let observer: @Sendable (HTTPServerEvent) -> Void = { event in
            if case .abandoned(let exchange) = event, exchange.status == nil { abandoned.raise() }
        }
        try await withServer(observer: observer, handler: patient.handle) { server, port in
            let client = try Client(port: port)
            client.get("/")
            try await patient.started.wait()
            client.reset()
            try await patient.cancelled.wait()
            try await abandoned.wait()
            #expect(server.statistics.abandoned == 1)
            #expect(server.statistics.openConnections == 0)
            #expect(server.statistics.requestsInFlight == 0)
        }
    }

    @Test("request and end of stream together still cancel a handler that waits, and its answer is sent")
    func together() async throws {
        let patient = Patient()
        try await withServer(handler: patient.handle) { _, port in
            let client = try Client(port: port)
            client.get("/")
            client.endSending()
            try await patient.cancelled.wait()
            #expect(try await client.readToEnd().hasSuffix("\r\n\r\ncancelled"))
        }
    }

    @Test("a half-closed client gets its short answer, from a handler that suspends too", arguments: [false, true])
    func halfClosed(_ suspends: Bool) async throws {
        let handler: HTTPHandler = { _ in
            if suspends { await hop() }
            return text(Task.isCancelled ? "cancelled" : "served")
        }
        try await withServer(handler: handler) { _, port in
            let client = try Client(port: port)
            client.get("/")
            client.endSending()
            let received = try await client.readToEnd()
            // Whether a handler that suspends has ended before the end of the stream is seen is the machine's business.
            let answers = suspends ? ["served", "cancelled"] : ["served"]
            #expect(answers.contains { received.hasSuffix("\r\n\r\n\($0)") }, "got \(received)")
        }
    }

    @Test("a late answer to a connection that is gone reaches nobody, not the next one in its place either")
    func lateAnswer() async throws {
        let patient = Patient()
        let release = Signal()
        let handler: HTTPHandler = { request in
            guard request.target == "/slow" else { return text(request.target) }
            _ = await patient.handle(request)
            try? await Task { try await release.wait() }.value
            return text("late")
        }
        try await withServer(handler: handler) { server, port in
            let first = try Client(port: port)
            first.get("/slow")
            try await patient.started.wait()
            first.reset()
            try await patient.cancelled.wait()
            let second = try Client(port: port)
            second.get("/1")
            #expect(try await second.answer().text == "/1")
            release.raise()
            for number in 2...50 {
                second.get("/\(number)")
                #expect(try await second.answer().text == "/\(number)")
            }
        }
    }
}
