import Clocks
import HTTPCodec
import Postgres
import ServiceChassis
import TestSupport
import Testing

@Suite("Idempotency store", .timeLimit(.minutes(2)))
struct IdempotencyStoreTests {
    struct Refusal: Error {}

    static let time = SystemTime()

    static func withClient(
        _ body: (PostgresClient) async throws -> Void
    ) async throws {
        try await TestPostgres.withDatabase { database in
            var configuration = PostgresConfiguration(
                host: database.host, port: database.port, user: database.user, database: database.name)
            configuration.maximumConnections = 8
            let client = PostgresClient(configuration: configuration, time: time, random: SystemRandom())
            defer { client.close() }
            let effects = Migration(version: 6, name: "create_effects", sql: "CREATE TABLE effects (key text)")
            _ = try await Migrator(client, [IdempotencyStore.migration, effects]).apply(deadline: deadline)
            try await body(client)
        }
    }

    static var deadline: MonotonicInstant { time.now.advanced(by: .seconds(30)) }

    static func record(
        _ key: String, scope: String = "public", payload: UInt8 = 1, body: String = "{}"
    ) throws -> IdempotencyRecord {
        IdempotencyRecord(
            key: try IdempotencyKey(key, scope: scope), fingerprint: RequestFingerprint(bytes: [payload]),
            answer: RecordedAnswer(status: 201, location: "/v1/things/1", body: Array(body.utf8)))
    }

    static func once(
        _ record: IdempotencyRecord, _ client: PostgresClient, fails: Bool = false
    ) async throws -> HTTPResponse {
        let store = IdempotencyStore()
        return try await store.once(record, on: client, at: time.wallNow, deadline: deadline) { transaction in
            let effect = Statement("INSERT INTO effects VALUES ($1)", [.text(record.key.text)])
            _ = try transaction.execute(effect)
            if fails { throw Refusal() }
        }
    }

    static func effects(_ client: PostgresClient) async throws -> Int64 {
        try await client.query(Statement("SELECT count(*) FROM effects"))[0].int8(0)
    }

    @Test("one key has one effect, and a repetition gets the first answer byte for byte, marked")
    func replay() async throws {
        try await Self.withClient { client in
            let first = try await Self.once(try Self.record("k", body: "{\"n\":1}"), client)
            let second = try await Self.once(try Self.record("k", body: "{\"n\":2}"), client)
            #expect(first.status == .created)
            #expect(first.fields["Idempotent-Replayed"] == nil)
            #expect(second.status == first.status)
            #expect(second.bytes == first.bytes)
            #expect(second.fields["Content-Type"] == "application/json")
            #expect(second.fields["Location"] == "/v1/things/1")
            #expect(second.fields["Idempotent-Replayed"] == "true")
            #expect(try await Self.effects(client) == 1)
        }
    }

    @Test("another request under the same key is refused and has no effect")
    func reused() async throws {
        try await Self.withClient { client in
            _ = try await Self.once(try Self.record("k", payload: 1), client)
            let problem = await #expect(throws: ProblemDetails.self) {
                try await Self.once(try Self.record("k", payload: 2), client)
            }
            #expect(problem?.type == .idempotencyKeyReused)
            #expect(try await Self.effects(client) == 1)
        }
    }

    @Test("the same key in another scope is another key")
    func scopes() async throws {
        try await Self.withClient { client in
            _ = try await Self.once(try Self.record("k", scope: "a", payload: 1), client)
            _ = try await Self.once(try Self.record("k", scope: "b", payload: 2), client)
            #expect(try await Self.effects(client) == 2)
        }
    }

    @Test("work that fails leaves the key unused")
    func failure() async throws {
        try await Self.withClient { client in
            await #expect(throws: Refusal.self) {
                try await Self.once(try Self.record("k", payload: 1), client, fails: true)
            }
            let corrected = try await Self.once(try Self.record("k", payload: 2), client)
            #expect(corrected.fields["Idempotent-Replayed"] == nil)
            #expect(try await Self.effects(client) == 1)
        }
    }

    @Test("of many at once under one key one has its effect and the others replay it")
    func concurrent() async throws {
        try await Self.withClient { client in
            let record = try Self.record("k")
            let replays = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await Self.once(record, client).fields["Idempotent-Replayed"] == "true"
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(replays == 19)
            #expect(try await Self.effects(client) == 1)
        }
    }

    @Test("a duplicate waits for the first one's commit only so long, then is told that it is in flight")
    func inFlight() async throws {
        try await Self.withClient { client in
            let log = Recorder<String>()
            let (held, release) = AsyncStream<Void>.makeStream()
            async let first: Void = client.transaction(deadline: Self.deadline) { transaction in
                let insert = IdempotencyStore().insert([try Self.record("k")], at: Self.time.wallNow)
                _ = try transaction.execute(insert)
                log.record("inserted")
                // Longer than the duplicate is ready to wait; the connection's own thread may block.
                _ = try transaction.execute(Statement("SELECT pg_sleep(2.4)"))
                release.finish()
            }
            await log.wait(for: "inserted")
            let problem = await #expect(throws: ProblemDetails.self) {
                try await Self.once(try Self.record("k"), client)
            }
            #expect(problem?.type == .idempotencyKeyInFlight)
            #expect(problem?.response().fields["Retry-After"] == "1")
            for await _ in held {}
            try await first
            #expect(try await Self.once(try Self.record("k"), client).fields["Idempotent-Replayed"] == "true")
        }
    }

    @Test("a batch inserts what is new and says which that was, and looks all of it up")
    func batches() async throws {
        try await Self.withClient { client in
            let store = IdempotencyStore()
            let first = [try Self.record("b"), try Self.record("a")]
            let rows = try await client.query(store.insert(first, at: Self.time.wallNow))
            #expect(try IdempotencyStore.keys(rows) == Set(first.map(\.key)))
            let second = [try Self.record("c"), try Self.record("a"), try Self.record("d")]
            let fresh = try await client.query(store.insert(second, at: Self.time.wallNow))
            #expect(try IdempotencyStore.keys(fresh).map(\.text).sorted() == ["c", "d"])
            let found = try await client.query(store.lookUp((first + second).map(\.key)))
            #expect(Set(try IdempotencyStore.records(found).keys.map(\.text)) == ["a", "b", "c", "d"])
            let foreign = [try IdempotencyKey("a", scope: "another"), try IdempotencyKey("b")]
            let own = try await client.query(store.lookUp(foreign))
            #expect(Array(try IdempotencyStore.records(own).keys) == [try IdempotencyKey("b")])
        }
    }

    @Test("keys older than their lifetime are removed, in bounded portions")
    func expiry() async throws {
        try await Self.withClient { client in
            let store = IdempotencyStore()
            let now = Self.time.wallNow
            let old = try (0..<5).map { try Self.record("old-\($0)") }
            _ = try await client.query(store.insert(old, at: now.advanced(by: .seconds(-49 * 3600))))
            _ = try await client.query(store.insert([try Self.record("new")], at: now))
            let limit = now.advanced(by: .seconds(-48 * 3600))
            #expect(try await client.query(IdempotencyStore.expire(before: limit, limit: 3)).affected == 3)
            #expect(try await client.query(IdempotencyStore.expire(before: limit, limit: 3)).affected == 2)
            let left = try await client.query(Statement("SELECT key FROM idempotency_keys"))
            #expect(try left.map { try $0.text(0) } == ["new"])
        }
    }
}
