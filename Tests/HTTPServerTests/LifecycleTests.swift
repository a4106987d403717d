import Clocks
import Glibc
import HTTPCodec
import HTTPServer
import Testing

@Suite("Binding and draining", .timeLimit(.minutes(1)))
struct LifecycleTests {
    private let local = HTTPServerConfiguration(host: "127.0.0.1")

    /// Never reached where all is well; where it is not, the test fails instead of waiting for a drain that cannot end.
    private static var soonEnough: MonotonicInstant { SystemTime().now.advanced(by: .seconds(20)) }

    private func server(port: Int = 0, handler: @escaping HTTPHandler = { text($0.target) }) throws -> HTTPServer {
        var configuration = HTTPServerConfiguration(host: "127.0.0.1", port: port)
        // A cancelled handler answers at once, but a busy machine may let it wait for its turn.
        configuration.cancelGrace = .seconds(10)
        return try HTTPServer(configuration: configuration, handler: handler)
    }

    @Test("a bound server refuses clients until it listens")
    func boundOnly() throws {
        let server = try server()
        let port = try server.bind()
        #expect(throws: Client.Failure.self) { try Client(port: port) }
        #expect(try server.listen() == port)
        _ = try Client(port: port)
    }

    @Test("a port that is taken is named")
    func taken() throws {
        let first = try server()
        let port = try first.listen()
        let second = try server(port: port)
        #expect(throws: HTTPServerError.portTaken(host: "127.0.0.1", port: port)) { try second.bind() }
        #expect(HTTPServerError.portTaken(host: "127.0.0.1", port: port).description.contains("port \(port)"))
    }

    @Test("an address that is none of this machine is named", arguments: ["localhost", "", "203.0.113.1", "1.2.3"])
    func badAddress(_ host: String) throws {
        let server = try HTTPServer(configuration: HTTPServerConfiguration(host: host)) { _ in text("") }
        #expect(throws: HTTPServerError.addressUnusable(host: host)) { try server.bind() }
    }

    @Test("a port can be taken again at once after a server that had clients")
    func reuse() async throws {
        var port = 0
        try await withServer(handler: { text($0.target) }) { _, used in
            port = used
            let client = try Client(port: used)
            client.get("/")
            _ = try await client.answer()
        }
        #expect(try server(port: port).listen() == port)
    }

    @Test("draining closes idle connections at once and refuses new ones")
    func drainIdle() async throws {
        let server = try server()
        let port = try server.listen()
        let running = Task { try await server.run() }
        let client = try Client(port: port)
        client.get("/")
        _ = try await client.answer()
        async let drained: Void = server.drain(deadline: Self.soonEnough)
        #expect(try await client.readToEnd() == "")
        client.endSending()
        await drained
        try await running.value
        #expect(throws: Client.Failure.self) { try Client(port: port) }
        #expect(server.statistics.openConnections == 0)
    }

    @Test("draining lets a running request finish and says that the connection closes")
    func drainRunning() async throws {
        let started = Signal()
        let release = Signal()
        let server = try server { request in
            guard request.target == "/" else { return text("") }
            started.raise()
            try? await release.wait()
            return text("done")
        }
        let port = try server.listen()
        let running = Task { try await server.run() }
        // Answered once, so that it is certainly accepted: a handshake that is not over when the listener goes is reset.
        let idle = try Client(port: port)
        idle.get("/idle")
        _ = try await idle.answer()
        let client = try Client(port: port)
        client.get("/")
        try await started.wait()
        async let drained: Void = server.drain(deadline: Self.soonEnough)
        // The idle connection's end shows that the drain has begun.
        #expect(try await idle.readToEnd() == "")
        release.raise()
        let answer = try await client.answer()
        #expect(answer.text == "done" && answer.fields["Connection"] == "close")
        idle.endSending()
        client.endSending()
        await drained
        try await running.value
    }

    @Test("at the drain's deadline handlers are cancelled and may still answer")
    func drainDeadline() async throws {
        let started = Signal()
        let never = Signal()
        let server = try server { _ in
            started.raise()
            do { try await never.wait() } catch { return HTTPResponse(status: .serviceUnavailable) }
            return text("")
        }
        let port = try server.listen()
        let running = Task { try await server.run() }
        let client = try Client(port: port)
        client.get("/")
        try await started.wait()
        async let drained: Void = server.drain(deadline: SystemTime().now)
        #expect(try await client.answer().status == 503)
        await drained
        try await running.value
    }

    @Test("a handler that ignores its cancellation does not hold up the drain")
    func drainStubborn() async throws {
        let started = Signal()
        let release = Signal()
        let server = try server { _ in
            started.raise()
            try? await Task { try await release.wait() }.value
            return text("")
        }
        let port = try server.listen()
        let running = Task { try await server.run() }
        let client = try Client(port: port)
        client.get("/")
        try await started.wait()
        await server.drain(deadline: SystemTime().now)
        try await running.value
        #expect(server.statistics.abandoned == 1)
        release.raise()
    }

    @Test("cancelling the task that runs the server ends it")
    func cancel() async throws {
        let server = try server()
        let port = try server.listen()
        let running = Task { try await server.run() }
        let client = try Client(port: port)
        client.get("/")
        _ = try await client.answer()
        running.cancel()
        try await running.value
        #expect(throws: Client.Failure.self) { try Client(port: port) }
    }

    @Test("a server that never ran is drained at once and gives its port back")
    func drainUnused() async throws {
        let first = try server()
        let port = try first.listen()
        await first.drain(deadline: Self.soonEnough)
        try await first.run()
        #expect(try server(port: port).listen() == port)
    }

    @Test("a request that is already in the socket when the drain begins is served")
    func drainArrived() async throws {
        let release = Box(false)
        let entered = Signal()
        let server = try server { request in
            guard request.target == "/block" else { return text("served") }
            entered.raise()
            while !release.value { sched_yield() }
            return text("blocked")
        }
        let port = try server.listen()
        let running = Task { try await server.run() }
        let waiting = try Client(port: port)
        let blocker = try Client(port: port)
        blocker.get("/block")
        try await entered.wait()
        // The loop is held by the blocker: what is sent now lies in the socket while the drain is asked for.
        waiting.get("/")
        async let drained: Void = server.drain(deadline: Self.soonEnough)
        release.update { $0 = true }
        let answer = try await waiting.answer()
        #expect(answer.text == "served")
        waiting.endSending()
        blocker.endSending()
        await drained
        try await running.value
    }
}
