import Clocks
import Postgres
import TestSupport
import Testing

/// Runs `body` with a client that reaches its database through a proxy.
func withClient(
    through proxy: TestProxy, _ database: TestDatabase, _ body: (PostgresClient) async throws -> Void
) async throws {
    let client = PostgresClient(
        configuration: PostgresConfiguration(
            host: "127.0.0.1", port: proxy.port, user: database.user, database: database.name),
        time: SystemTime(), random: SeededRandom(seed: 3))
    defer { client.close() }
    try await body(client)
}

/// A network that drops everything closes no connection: nothing but our own clock ends a wait.
@Suite("A server that falls silent")
struct SilentServerTests {
    private let time = SystemTime()

    /// A deadline, the grace for the server to answer a cancel, and room for a busy machine: without them the wait is that
    /// of TCP, which takes minutes.
    private func expectEnd(of work: () async throws -> Void) async -> PostgresError? {
        let start = time.now
        let error = await #expect(throws: PostgresError.self) { try await work() }
        let elapsed = start.duration(to: time.now)
        #expect(elapsed < .seconds(10), "the call took \(elapsed)")
        return error
    }

    private func withSilence(_ body: (PostgresClient, TestProxy) async throws -> Void) async throws {
        try await TestPostgres.withDatabase { database in
            let proxy = TestProxy(to: database.port, .silence)
            defer { proxy.stop() }
            try await withClient(through: proxy, database) { try await body($0, proxy) }
        }
    }

    @Test("ends a statement soon after its deadline, although it cannot be asked to cancel", .timeLimit(.minutes(1)))
    func statement() async throws {
        try await withSilence { client, proxy in
            _ = try await client.query(Statement("SELECT 1"))
            proxy.arm()
            let error = await expectEnd {
                _ = try await client.batch(
                    [Statement("SELECT 2")], deadline: time.now.advanced(by: .milliseconds(200)))
            }
            #expect(error == .deadlineExceeded(commitUnknown: true))
        }
    }

    @Test("ends a statement soon after its task was cancelled", .timeLimit(.minutes(1)))
    func cancellation() async throws {
        try await withSilence { client, proxy in
            _ = try await client.query(Statement("SELECT 1"))
            proxy.arm()
            let error = await expectEnd {
                let task = Task { try await client.query(Statement("SELECT 2")) }
                while !proxy.hasSwallowed { await Task.yield() }
                task.cancel()
                _ = try await task.value
            }
            if case .cancelled = error {} else { Issue.record("\(String(describing: error))") }
        }
    }

    @Test("ends the sending of more than the network takes", .timeLimit(.minutes(1)))
    func sending() async throws {
        try await withSilence { client, proxy in
            _ = try await client.query(Statement("SELECT 1"))
            proxy.arm()
            let error = await expectEnd {
                let bytes = [UInt8](repeating: 7, count: 32 << 20)
                _ = try await client.query(
                    Statement("SELECT length($1::bytea)", [.bytes(bytes)]),
                    deadline: time.now.advanced(by: .milliseconds(200)))
            }
            if case .deadlineExceeded = error {} else { Issue.record("\(String(describing: error))") }
        }
    }

    @Test("ends connecting at the caller's deadline, and does not blame the server for it", .timeLimit(.minutes(1)))
    func connecting() async throws {
        try await withSilence { client, proxy in
            proxy.arm()
            let start = time.now
            let error = await expectEnd {
                _ = try await client.query(
                    Statement("SELECT 1"), deadline: time.now.advanced(by: .milliseconds(200)))
            }
            #expect(error == .deadlineExceeded(commitUnknown: false))
            #expect(start.duration(to: time.now) < .seconds(1.5))
            #expect(client.statistics.lastConnectFailure == nil)
        }
    }
}

@Suite("Large statements")
struct LargeStatementTests {
    @Test("go there and back in one pipeline, however much both sides have to say", .timeLimit(.minutes(1)))
    func large() async throws {
        try await withClient(connections: 1) { client, _ in
            let bytes = [UInt8](repeating: 42, count: 2 << 20)
            let echo = Statement("SELECT $1::bytea", [.bytes(bytes)])
            let answers = try await client.batch(Array(repeating: echo, count: 8))
            #expect(answers.count == 8)
            for rows in answers { #expect(try rows[0].bytes(0) == bytes) }
        }
    }
}
