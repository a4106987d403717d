import Clocks
import HTTPCodec
import HTTPServer
import Synchronization
import TestSupport

/// A service that is called: a real server on loopback, whose answers the test writes and which can go away.
///
/// Its sockets keep the machine's time, else no closing would ever end; what arrives is dated by the test's.
final class Neighbour: Sendable {
    /// Answers a request, given which one of this neighbour's it is, from 1.
    typealias Handler = @Sendable (_ request: HTTPRequest, _ number: Int) async -> HTTPResponse

    private struct State {
        var handler: Handler
        var requests: [HTTPRequest] = []
        var arrivals: [MonotonicInstant] = []
        var server: HTTPServer?
        var running: Task<Void, any Error>?
    }

    let time: TestTime
    private let state: Mutex<State>
    private let reservedPort = Mutex(0)

    init(_ time: TestTime, _ handler: @escaping Handler = { _, _ in .plain(200) }) {
        self.time = time
        state = Mutex(State(handler: handler))
    }

    /// Once it has been there.
    var port: Int { reservedPort.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }
    /// Every request that has arrived, in order.
    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    /// When they arrived.
    var arrivals: [MonotonicInstant] { state.withLock { $0.arrivals } }

    /// Answers like this from now on.
    func answer(_ handler: @escaping Handler) {
        state.withLock { $0.handler = handler }
    }

    /// Takes a port and keeps it, but refuses connections.
    func bind() throws {
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: port), time: SystemTime(),
            handler: { await self.handle($0) })
        let port = try server.bind()
        reservedPort.withLock { $0 = port }
        state.withLock { $0.server = server }
    }

    /// Serves from now on.
    func comeBack() throws {
        if state.withLock({ $0.server }) == nil { try bind() }
        guard let server = state.withLock({ $0.server }) else { return }
        try server.listen()
        state.withLock { $0.running = Task { try await server.run() } }
    }

    /// Ends its connections and refuses new ones.
    func goAway() async throws {
        try await stop()
        try bind()
    }

    func stop() async throws {
        let (server, running) = state.withLock { state in
            defer { (state.server, state.running) = (nil, nil) }
            return (state.server, state.running)
        }
        await server?.drain(deadline: MonotonicInstant(nanoseconds: .min))
        try await running?.value
    }

    private func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let now = time.now
        var request = request
        request.receivedAt = now
        let (handler, number) = state.withLock { [request] state in
            state.requests.append(request)
            state.arrivals.append(now)
            return (state.handler, state.requests.count)
        }
        return await handler(request, number)
    }
}

extension HTTPResponse {
    /// An answer with a few bytes of body that say nothing.
    static func plain(_ status: Int, retryAfter: String? = nil) -> HTTPResponse {
        var response = HTTPResponse.json(Array("{\"s\":\(status)}".utf8), status: HTTPStatus(status))
        if let retryAfter { response.fields.append("Retry-After", retryAfter) }
        return response
    }
}
