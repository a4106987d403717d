import Clocks
import Postgres
import TestSupport
import Testing

@Suite("A connection that breaks around the commit")
struct CommitUnknownTests {
    @Test(
        "says that the commit may have happened when it had been sent, and the truth may be either",
        arguments: [true, false])
    func unknown(reachesServer: Bool) async throws {
        try await withClient { client, database in
            _ = try await client.query(Statement("CREATE TABLE t (a int8)"))
            let proxy = TestProxy(to: database.port, at: "COMMIT", .cut(forwarding: reachesServer))
            defer { proxy.stop() }
            let cut = PostgresClient(
                configuration: PostgresConfiguration(
                    host: "127.0.0.1", port: proxy.port, user: database.user, database: database.name),
                time: SystemTime(), random: SeededRandom(seed: 1))
            defer { cut.close() }
            _ = try await cut.query(Statement("SELECT 1"))
            proxy.arm()
            let error = await #expect(throws: PostgresError.self) {
                try await cut.batch([Statement("INSERT INTO t VALUES (1)")])
            }
            #expect(error?.isCommitUnknown == true && error?.isRetriable == true, "\(String(describing: error))")
            var count: Int64 = -1
            let patience = SystemTime().now.advanced(by: .seconds(5))
            repeat {
                count = try await client.query(Statement("SELECT count(*) FROM t"))[0].int8(0)
            } while reachesServer && count == 0 && SystemTime().now < patience
            #expect(count == (reachesServer ? 1 : 0))
        }
    }

    @Test("says that nothing was committed when the commit had not been sent")
    func before() async throws {
        try await withClient { client, database in
            _ = try await client.query(Statement("CREATE TABLE t (a int8)"))
            let proxy = TestProxy(to: database.port, at: "marker", .cut(forwarding: true))
            defer { proxy.stop() }
            let cut = PostgresClient(
                configuration: PostgresConfiguration(
                    host: "127.0.0.1", port: proxy.port, user: database.user, database: database.name),
                time: SystemTime(), random: SeededRandom(seed: 1))
            defer { cut.close() }
            proxy.arm()
            let error = await #expect(throws: PostgresError.self) {
                try await cut.transaction { transaction in
                    _ = try transaction.execute(Statement("INSERT INTO t VALUES (1) /* marker */"))
                    try transaction.commit()
                }
            }
            #expect(error?.isCommitUnknown == false, "\(String(describing: error))")
            let count = try await client.query(Statement("SELECT count(*) FROM t"))[0].int8(0)
            #expect(count == 0)
        }
    }

    @Test("says that the commit may have happened when its answer cannot be understood")
    func garbled() async throws {
        try await withClient { client, database in
            _ = try await client.query(Statement("CREATE TABLE t (a int8)"))
            let proxy = TestProxy(to: database.port, at: "COMMIT", .garble)
            defer { proxy.stop() }
            try await withClient(through: proxy, database) { garbled in
                _ = try await garbled.query(Statement("SELECT 1"))
                proxy.arm()
                let error = await #expect(throws: PostgresError.self) {
                    try await garbled.batch([Statement("INSERT INTO t VALUES (1)")])
                }
                #expect(error?.isCommitUnknown == true, "\(String(describing: error))")
            }
        }
    }
}
