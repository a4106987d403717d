import Clocks
import Postgres
import TestSupport
import Testing

@Suite("Migrations")
struct MigratorTests {
    private var soon: MonotonicInstant { SystemTime().now.advanced(by: .seconds(20)) }

    private let first = Migration(version: 1, name: "one", sql: "CREATE TABLE a (x int4); INSERT INTO a VALUES (1);")
    private let second = Migration(version: 10, name: "ten", sql: "-- a comment\nALTER TABLE a ADD y int4;")

    @Test("are applied once, in order, with gaps")
    func once() async throws {
        try await withClient { client, _ in
            let migrator = Migrator(client, [second, first])
            let found1 = try await migrator.pending(deadline: soon).map(\.version)
            #expect(found1 == [1, 10])
            let found2 = try await migrator.apply(deadline: soon).map(\.version)
            #expect(found2 == [1, 10])
            let found3 = try await migrator.apply(deadline: soon).isEmpty
            #expect(found3)
            let found4 = try await migrator.pending(deadline: soon).isEmpty
            #expect(found4)
            let found5 = try await client.query(Statement("SELECT x, y FROM a")).count
            #expect(found5 == 1)
        }
    }

    @Test("two processes that start together apply each once")
    func concurrent() async throws {
        try await withClient(connections: 8) { client, _ in
            let migrations = [first, second]
            let deadline = soon
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await Migrator(client, migrations).apply(deadline: deadline).count }
                }
                var applied = 0
                for try await count in group { applied += count }
                #expect(applied == 2)
            }
        }
    }

    @Test("one that fails leaves nothing behind and names itself")
    func failing() async throws {
        try await withClient { client, _ in
            let broken = Migration(version: 2, name: "broken", sql: "CREATE TABLE b (x int4); SELECT nonsense;")
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator(client, [first, broken]).apply(deadline: soon)
            }
            guard case .failed(version: 2, name: "broken", _) = error else { return #expect(Bool(false), "\(error!)") }
            let table = try await client.query(Statement("SELECT to_regclass('b') IS NULL, to_regclass('a') IS NULL"))
            #expect(try table[0].bool(0))
            #expect(try !table[0].bool(1), "the steps before it stay")
        }
    }

    @Test("one that was edited after it had been applied is refused")
    func edited() async throws {
        try await withClient { client, _ in
            _ = try await Migrator(client, [first]).apply(deadline: soon)
            var edited = first
            edited.sql += " "
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator(client, [edited]).apply(deadline: soon)
            }
            guard case .changed(version: 1, _) = error else { return #expect(Bool(false), "\(error!)") }
        }
    }

    @Test("a program older than its database does not start on it")
    func older() async throws {
        try await withClient { client, _ in
            _ = try await Migrator(client, [first, second]).apply(deadline: soon)
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator(client, [first]).apply(deadline: soon)
            }
            guard case .unknown(version: 10, _) = error else { return #expect(Bool(false), "\(error!)") }
        }
    }
}
