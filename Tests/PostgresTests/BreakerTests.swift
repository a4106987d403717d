import Clocks
import LocalStack
import Postgres
import Resilience
import TestSupport
import Testing

/// What the circuit breaker in front of a database takes for failure, success and neither.
@Suite("The database's circuit breaker", .timeLimit(.minutes(2)))
struct BreakerTests {
    /// The breaker's clock stands still: what opens stays open until the test moves it.
    private let clock = TestTime()

    private func breaker(consecutiveFailures: Int? = nil) -> CircuitBreaker {
        var configuration = CircuitBreakerConfiguration()
        configuration.consecutiveFailures = consecutiveFailures
        configuration.openTime = .exponential(base: .seconds(1), cap: .seconds(1), jitter: 0)
        configuration.permittedProbes = 1
        configuration.probeSuccessRatio = 1
        return CircuitBreaker(
            name: "database", configuration: configuration, time: clock, random: SeededRandom(seed: 1))
    }

    private func withClient(
        _ breaker: CircuitBreaker, port: Int? = nil, _ database: TestDatabase,
        change: (inout PostgresConfiguration) -> Void = { _ in }, _ body: (PostgresClient) async throws -> Void
    ) async throws {
        var configuration = PostgresConfiguration(
            host: "127.0.0.1", port: port ?? database.port, user: database.user, database: database.name)
        configuration.minimumBackoff = .zero
        configuration.maximumBackoff = .zero
        change(&configuration)
        let client = PostgresClient(
            configuration: configuration, breaker: breaker, time: SystemTime(), random: SeededRandom(seed: 1))
        defer { client.close() }
        try await body(client)
    }

    private func expect(
        _ breaker: CircuitBreaker, _ result: CircuitBreakerCounts.Result, _ count: UInt64 = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(breaker.snapshot.counts.total(result) == count, sourceLocation: sourceLocation)
    }

    private func soon(_ duration: Duration = .seconds(10)) -> MonotonicInstant {
        SystemTime().now.advanced(by: duration)
    }

    @Test("opens when no connection can be made; then calls fail at once, certainly without effect")
    func opens() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker(consecutiveFailures: 3)
            try await withClient(breaker, port: 1, database) { client in
                for _ in 0..<3 {
                    let error = await #expect(throws: PostgresError.self) {
                        try await client.query(Statement("SELECT 1"))
                    }
                    if case .cannotConnect = error {} else { Issue.record("\(String(describing: error))") }
                }
                #expect(breaker.state == .open)
                let error = await #expect(throws: PostgresError.self) {
                    try await client.batch([Statement("CREATE TABLE t (a int8)")])
                }
                if case .circuitOpen = error {} else { Issue.record("\(String(describing: error))") }
                #expect(error?.isRetriable == true)
                #expect(error?.isCommitUnknown == false)
                #expect(error?.retryAfter == .seconds(1))
                #expect(error?.description.contains("circuit breaker database is open") == true)
                expect(breaker, .failure, 3)
                expect(breaker, .rejected, 1)
            }
        }
    }

    @Test("closes with the first call after the open time that the server answers")
    func closes() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker(consecutiveFailures: 1)
            let proxy = TestProxy(to: database.port, at: "marker", .cut(forwarding: false))
            defer { proxy.stop() }
            try await withClient(breaker, port: proxy.port, database) { client in
                proxy.arm()
                await #expect(throws: PostgresError.self) {
                    try await client.query(Statement("SELECT 1 /* marker */"))
                }
                #expect(breaker.state == .open)
                await #expect(throws: PostgresError.self) { try await client.query(Statement("SELECT 2")) }
                clock.advance(by: .seconds(1))
                _ = try await client.query(Statement("SELECT 3"))
                #expect(breaker.state == .closed)
            }
        }
    }

    @Test("takes what the server refuses for a success")
    func refusals() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            try await withClient(breaker, database) { client in
                await #expect(throws: PostgresError.self) { try await client.query(Statement("NONSENSE")) }
                await #expect(throws: PostgresError.self) {
                    try await client.transaction { try $0.execute(Statement("SELECT 1 / 0")) }
                }
                expect(breaker, .success, 2)
                expect(breaker, .failure, 0)
            }
        }
    }

    @Test("takes a lost connection for a failure, also where a transaction's body hides it")
    func lost() async throws {
        struct Hidden: Error {}
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            let proxy = TestProxy(to: database.port, at: "marker", .cut(forwarding: true))
            defer { proxy.stop() }
            try await withClient(breaker, port: proxy.port, database) { client in
                proxy.arm()
                await #expect(throws: Hidden.self) {
                    try await client.transaction { transaction in
                        do { _ = try transaction.execute(Statement("SELECT 1 /* marker */")) } catch { throw Hidden() }
                    }
                }
                expect(breaker, .failure)
            }
        }
    }

    @Test("takes a commit whose outcome is unknown for a failure")
    func commitUnknown() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            let proxy = TestProxy(to: database.port, at: "COMMIT", .cut(forwarding: true))
            defer { proxy.stop() }
            try await withClient(breaker, port: proxy.port, database) { client in
                proxy.arm()
                let error = await #expect(throws: PostgresError.self) {
                    try await client.batch([Statement("SELECT 1")])
                }
                #expect(error?.isCommitUnknown == true)
                expect(breaker, .failure)
            }
        }
    }

    @Test("takes a server that shuts the session down for a failure")
    func farewell() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            try await withClient(breaker, database) { client in
                await #expect(throws: PostgresError.self) {
                    try await client.query(Statement("SELECT pg_terminate_backend(pg_backend_pid())"))
                }
                expect(breaker, .failure)
            }
        }
    }

    @Test("takes a server that stays silent for a failure, also when it is the caller's deadline that ends the wait")
    func silence() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            let proxy = TestProxy(to: database.port, .silence)
            defer { proxy.stop() }
            try await withClient(breaker, port: proxy.port, database) { client in
                _ = try await client.query(Statement("SELECT 1"))
                proxy.arm()
                let statement = await #expect(throws: PostgresError.self) {
                    try await client.query(Statement("SELECT 2"), deadline: soon(.milliseconds(100)))
                }
                if case .deadlineExceeded = statement {} else { Issue.record("\(String(describing: statement))") }
                expect(breaker, .failure, 1)
                let connect = await #expect(throws: PostgresError.self) {
                    try await client.query(Statement("SELECT 3"), deadline: soon(.milliseconds(600)))
                }
                #expect(connect == .deadlineExceeded(commitUnknown: false))
                expect(breaker, .failure, 2)
            }
        }
    }

    @Test("takes the caller's deadline and cancellation for neither when the server answers")
    func interrupted() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            try await withClient(breaker, database) { client in
                _ = try await client.query(Statement("SELECT 1"))
                let late = await #expect(throws: PostgresError.self) {
                    try await client.query(Statement("SELECT pg_sleep(30)"), deadline: soon(.milliseconds(50)))
                }
                #expect(late == .deadlineExceeded(commitUnknown: false))
                let task = Task { try await client.query(Statement("SELECT pg_sleep(30)")) }
                while client.statistics.busy == 0 { await Task.yield() }
                task.cancel()
                await #expect(throws: PostgresError.self) { try await task.value }
                expect(breaker, .neutral, 2)
                expect(breaker, .failure, 0)
            }
        }
    }

    @Test("takes a pool whose connections are all at work for neither")
    func exhausted() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            let small: (inout PostgresConfiguration) -> Void = {
                $0.maximumConnections = 1
                $0.acquireTimeout = .milliseconds(20)
            }
            try await withClient(breaker, database, change: small) { client in
                let task = Task { try await client.query(Statement("SELECT pg_sleep(30)")) }
                while client.statistics.busy == 0 { await Task.yield() }
                let error = await #expect(throws: PostgresError.self) { try await client.query(Statement("SELECT 1")) }
                if case .poolExhausted = error {} else { Issue.record("\(String(describing: error))") }
                expect(breaker, .neutral, 1)
                task.cancel()
                _ = try? await task.value
            }
        }
    }

    @Test("takes a wait in which nothing was answered for a failure, of all who waited, and ends it for all")
    func hung() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker()
            let proxy = TestProxy(to: database.port, .silence)
            defer { proxy.stop() }
            let small: (inout PostgresConfiguration) -> Void = {
                $0.maximumConnections = 1
                $0.acquireTimeout = .seconds(20)
                $0.silenceLimit = .milliseconds(200)
            }
            try await withClient(breaker, port: proxy.port, database, change: small) { client in
                _ = try await client.query(Statement("SELECT 1"))
                proxy.arm()
                let holder = Task { try await client.query(Statement("SELECT 2")) }
                while client.statistics.busy == 0 { await Task.yield() }
                let began = SystemTime().now
                await withTaskGroup(of: PostgresError?.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            await #expect(throws: PostgresError.self) { try await client.query(Statement("SELECT 3")) }
                        }
                    }
                    while client.statistics.waiting < 3 { await Task.yield() }
                    group.addTask {
                        await #expect(throws: PostgresError.self) {
                            try await client.query(Statement("SELECT 4"), deadline: soon(.milliseconds(250)))
                        }
                    }
                    for await error in group {
                        if case .poolExhausted = error {} else { Issue.record("\(String(describing: error))") }
                    }
                }
                #expect(began.duration(to: SystemTime().now) < .seconds(10))
                expect(breaker, .failure, 4)
                holder.cancel()
                _ = try? await holder.value
            }
        }
    }

    @Test("lets migrations ask whether the database is back, and holds no probe's place while they wait")
    func migrations() async throws {
        try await TestPostgres.withDatabase { database in
            let breaker = breaker(consecutiveFailures: 1)
            let proxy = TestProxy(to: database.port, at: "marker", .cut(forwarding: false))
            defer { proxy.stop() }
            try await withClient(breaker, port: proxy.port, database) { client in
                proxy.arm()
                await #expect(throws: PostgresError.self) {
                    try await client.query(Statement("SELECT 1 /* marker */"))
                }
                let migrator = Migrator(client, [])
                let refused = await #expect(throws: MigrationError.self) { try await migrator.apply(deadline: soon()) }
                if case .postgres(.circuitOpen) = refused {} else { Issue.record("\(String(describing: refused))") }
                clock.advance(by: .seconds(1))
                _ = try await migrator.apply(deadline: soon())
                #expect(breaker.state == .closed)
                expect(breaker, .success, 1)
            }
        }
    }
}
