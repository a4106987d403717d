import Clocks
import Postgres
import TestSupport
import Testing

/// Runs `body` with a client on a new database.
func withClient(
    connections: Int = 4, change: (inout PostgresConfiguration) -> Void = { _ in },
    _ body: (PostgresClient, TestDatabase) async throws -> Void
) async throws {
    try await TestPostgres.withDatabase { database in
        var configuration = PostgresConfiguration(
            host: database.host, port: database.port, user: database.user, database: database.name)
        configuration.maximumConnections = connections
        change(&configuration)
        let client = PostgresClient(configuration: configuration, time: SystemTime(), random: SeededRandom(seed: 1))
        defer { client.close() }
        try await body(client, database)
    }
}

@Suite("The Postgres client on a real server")
struct PostgresClientTests {
    private func soon(_ duration: Duration = .seconds(10)) -> MonotonicInstant {
        SystemTime().now.advanced(by: duration)
    }

    @Test("every type goes there and back, extremes and NULLs included")
    func types() async throws {
        try await withClient { client, _ in
            let uuid = UUID("0198f2a0-0000-7000-8000-0000000000ff")!
            let time = Timestamp(microseconds: 1_767_323_045_678_901)
            let rows = try await client.query(
                Statement(
                    """
                    SELECT $1::bool, $2::int4, $3::int8, $4::float8, $5::text, $6::bytea, $7::uuid, $8::timestamptz,
                           $9::jsonb, $10::text
                    """,
                    [
                        .bool(true), .int4(.min), .int8(.max), .double(-0.1), .text("ä\u{1F600}\"'\\"),
                        .bytes([0, 1, 255]), .uuid(uuid), .timestamp(time), .json(Array(#"{"a":1}"#.utf8)), .null,
                    ]))
            let row = rows[0]
            #expect(try row.bool(0))
            #expect(try row.int4(1) == .min)
            #expect(try row.int8(2) == .max)
            #expect(try row.double(3) == -0.1)
            #expect(try row.text(4) == "ä\u{1F600}\"'\\")
            #expect(try row.bytes(5) == [0, 1, 255])
            #expect(try row.uuid(6) == uuid)
            #expect(try row.timestamp(7) == time)
            #expect(try row.json(8) == Array(#"{"a": 1}"#.utf8))
            #expect(try row.optionalText(9) == nil)
            #expect(throws: PostgresError.decoding(column: "text", expected: "a text but NULL")) { try row.text(9) }
        }
    }

    @Test("arrays go there as sets of rows, empty ones and NULL elements included")
    func arrays() async throws {
        try await withClient { client, _ in
            let rows = try await client.query(
                Statement(
                    "SELECT * FROM unnest($1::int8[], $2::text[], $3::uuid[], $4::bytea[], $5::timestamptz[], $6::bool[])",
                    [
                        .int8s([1, .min]), .optionalTexts(["a,\"{}\\", nil]),
                        .optionalUUIDs([nil, UUID(high: 1, low: 2)]), .bytesArray([[], [0]]),
                        .optionalTimestamps([Timestamp(microseconds: 0), nil]), .bools([true, false]),
                    ]))
            #expect(rows.count == 2)
            #expect(try rows[0].optionalText(1) == "a,\"{}\\")
            #expect(try rows[1].optionalText(1) == nil)
            #expect(try rows[1].uuid(2) == UUID(high: 1, low: 2))
            #expect(try rows[0].bytes(3) == [])
            #expect(try rows[0].timestamp(4) == Timestamp(microseconds: 0))
            let none = try await client.query(Statement("SELECT * FROM unnest($1::uuid[])", [.uuids([])]))
            #expect(none.isEmpty)
        }
    }

    @Test("a batch is all or nothing, and its connection is usable afterwards")
    func batch() async throws {
        try await withClient(connections: 1) { client, _ in
            _ = try await client.query(Statement("CREATE TABLE t (a int8 PRIMARY KEY)"))
            let insert = Statement("INSERT INTO t VALUES ($1::int8)", [.int8(1)])
            let error = await #expect(throws: PostgresError.self) { try await client.batch([insert, insert]) }
            #expect(error?.isUniqueViolation == true)
            if case .server(let server) = error { #expect(server.constraint == "t_pkey") }
            let found1 = try await client.query(Statement("SELECT count(*) FROM t"))[0].int8(0)
            #expect(found1 == 0)
            let answers = try await client.batch([insert, Statement("SELECT a FROM t")])
            #expect(answers[0].affected == 1)
            #expect(try answers[1][0].int8(0) == 1)
        }
    }

    @Test("a transaction sees its own writes, commits with its last statements and rolls back when its body throws")
    func transaction() async throws {
        struct Refused: Error {}
        try await withClient(connections: 1) { client, _ in
            _ = try await client.query(Statement("CREATE TABLE t (a int8)"))
            let count = try await client.transaction { transaction in
                _ = try transaction.execute(Statement("INSERT INTO t VALUES (1)"))
                let count = try transaction.execute(Statement("SELECT count(*) FROM t"))[0].int8(0)
                try transaction.commit(after: [Statement("INSERT INTO t VALUES (2)")])
                return count
            }
            #expect(count == 1)
            await #expect(throws: Refused.self) {
                try await client.transaction { transaction in
                    _ = try transaction.execute(Statement("INSERT INTO t VALUES (3)"))
                    throw Refused()
                }
            }
            let found2 = try await client.query(Statement("SELECT count(*) FROM t"))[0].int8(0)
            #expect(found2 == 2)
        }
    }

    @Test("a deadline cancels the statement on the server and says that nothing was committed")
    func deadline() async throws {
        try await withClient { client, _ in
            let error = await #expect(throws: PostgresError.self) {
                try await client.batch([Statement("SELECT pg_sleep(60)")], deadline: soon(.milliseconds(100)))
            }
            #expect(error == .deadlineExceeded(commitUnknown: false))
            let active = try await client.query(
                Statement(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
                ))
            #expect(try active[0].int8(0) == 0)
        }
    }

    @Test("cancelling the task cancels the running statement")
    func cancellation() async throws {
        try await withClient { client, _ in
            let task = Task { try await client.query(Statement("SELECT pg_sleep(61)")) }
            while client.statistics.busy == 0 { await Task.yield() }
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
            let active = try await client.query(
                Statement(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(61)%' AND state = 'active' AND pid <> pg_backend_pid()"
                ))
            #expect(try active[0].int8(0) == 0)
        }
    }

    @Test(
        "a caller who was cancelled before it stands in line is told so, and waits for nothing", .timeLimit(.minutes(1))
    )
    func cancelledBeforeWaiting() async throws {
        try await withClient(connections: 1) { client, _ in
            let holder = Task { try await client.query(Statement("SELECT pg_sleep(0.4)")) }
            while client.statistics.busy == 0 { await Task.yield() }
            let late = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await client.query(Statement("SELECT 1"))
            }
            late.cancel()
            let error = await #expect(throws: PostgresError.self) { try await late.value }
            #expect(error == .cancelled(commitUnknown: false))
            _ = try await holder.value
        }
    }

    @Test("a caller who waits too long for a connection is told, and the next one in line is served first")
    func exhaustion() async throws {
        try await withClient(connections: 1) { client, _ in
            let holder = Task { try await client.query(Statement("SELECT pg_sleep(0.4)")) }
            while client.statistics.busy == 0 { await Task.yield() }
            let error = await #expect(throws: PostgresError.self) {
                try await client.query(Statement("SELECT 1"), deadline: soon(.milliseconds(50)))
            }
            if case .poolExhausted = error {} else { Issue.record("\(String(describing: error))") }
            let found3 = try await client.query(Statement("SELECT 7"), deadline: soon()).count
            #expect(found3 == 1)
            _ = try await holder.value
        }
    }

    @Test("a killed backend fails its statement as a lost connection, and the next statement gets a new one")
    func killedBackend() async throws {
        try await withClient { client, _ in
            let task = Task { try await client.batch([Statement("SELECT pg_sleep(62)")], deadline: soon()) }
            while try await client.query(
                Statement(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(62)%' AND state = 'active' AND pid <> pg_backend_pid()"
                )
            )[0].int8(0) == 0 { await Task.yield() }
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.isRetriable == true, "\(String(describing: error))")
            let found4 = try await client.query(Statement("SELECT 1")).count
            #expect(found4 == 1)
        }
    }

    @Test("an idle connection that the server closed is replaced before it is used")
    func closedWhileIdle() async throws {
        try await withClient(connections: 1) { client, database in
            let pid = try await client.query(Statement("SELECT pg_backend_pid()"))[0].int8(0)
            try await withClientOn(database) { other in
                _ = try await other.query(Statement("SELECT pg_terminate_backend($1::int4)", [.int4(Int32(pid))]))
                while try await other.query(
                    Statement("SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int4", [.int4(Int32(pid))]))[0]
                    .int8(0) > 0
                { await Task.yield() }
            }
            let found5 = try await client.query(Statement("SELECT pg_backend_pid()"))[0].int8(0)
            #expect(found5 != pid)
        }
    }

    @Test("a table that changed under a prepared statement fails it once, then works")
    func changedTable() async throws {
        try await withClient(connections: 1) { client, _ in
            _ = try await client.query(Statement("CREATE TABLE t (a int4)"))
            let read = Statement("SELECT * FROM t")
            _ = try await client.query(read)
            _ = try await client.query(Statement("ALTER TABLE t ADD b int4"))
            await #expect(throws: PostgresError.self) { try await client.query(read) }
            _ = try await client.query(read)
        }
    }

    @Test("a server that is away is an error that can be retried, and no connection is tried at every request")
    func away() async throws {
        let configuration = PostgresConfiguration(host: "127.0.0.1", port: 1, user: "u", database: "d")
        let client = PostgresClient(configuration: configuration, time: SystemTime(), random: SeededRandom(seed: 1))
        defer { client.close() }
        for _ in 0..<3 {
            let error = await #expect(throws: PostgresError.self) { try await client.query(Statement("SELECT 1")) }
            #expect(error?.isRetriable == true && error?.isCommitUnknown == false)
        }
        client.close()
        let error = await #expect(throws: PostgresError.self) {
            try await client.query(Statement("SELECT 1"), deadline: soon())
        }
        #expect(error != nil)
    }

    @Test("many tasks share few connections, each transaction whole")
    func contention() async throws {
        try await withClient(connections: 4) { client, _ in
            _ = try await client.batch([
                Statement("CREATE TABLE counter (id int4 PRIMARY KEY, n int8)"),
                Statement("INSERT INTO counter VALUES (1, 0)"),
            ])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await client.transaction(deadline: soon(.seconds(30))) { transaction in
                            let now = try transaction.execute(
                                Statement("SELECT n FROM counter WHERE id = 1 FOR UPDATE"))
                            try transaction.commit(after: [
                                Statement(
                                    "UPDATE counter SET n = $1::int8 WHERE id = 1", [.int8(try now[0].int8(0) + 1)])
                            ])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let found6 = try await client.query(Statement("SELECT n FROM counter"))[0].int8(0)
            #expect(found6 == 200)
            #expect(client.statistics.busy == 0 && client.statistics.waiting == 0)
        }
    }
}

func withClientOn(_ database: TestDatabase, _ body: (PostgresClient) async throws -> Void) async throws {
    let client = PostgresClient(
        configuration: PostgresConfiguration(
            host: database.host, port: database.port, user: database.user, database: database.name),
        time: SystemTime(), random: SeededRandom(seed: 2))
    defer { client.close() }
    try await body(client)
}
