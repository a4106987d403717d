import Clocks
import Postgres
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@Suite("Database parts", .timeLimit(.minutes(2)))
struct DatabaseTests {
    static let time = SystemTime()

    static func chassis() -> Chassis {
        var reader = SettingsReader(SettingsSources(environment: ["AUTH": "off"]))
        return Chassis(
            service: "s", settings: ChassisSettings(reading: &reader), time: time, random: SystemRandom(),
            logger: .silent)
    }

    static func settings(_ url: String) throws -> DatabaseSettings {
        var reader = SettingsReader(SettingsSources(environment: ["DATABASE_URL": url]))
        let settings = DatabaseSettings(reading: &reader)
        try reader.finish()
        return settings
    }

    static func metrics(_ chassis: Chassis) -> String {
        String(decoding: chassis.metrics.registry.text(), as: UTF8.self)
    }

    static func soon() -> MonotonicInstant { time.now.advanced(by: .seconds(20)) }

    @Test("the schema is there before the next part starts, and then the service is ready")
    func startsInOrder() async throws {
        try await TestPostgres.withDatabase { database in
            let chassis = Self.chassis()
            let parts = chassis.database(
                try Self.settings(database.url), migrations: [IdempotencyStore.migration])
            let user = ClosureService("user") { life in
                let rows = try await parts.client.query(Statement("SELECT count(*) FROM idempotency_keys"))
                #expect(try rows[0].int8(0) == 0)
                life.ready()
                await life.stopRequested()
            }
            let log = Recorder<String>()
            let group = ServiceGroup([parts.pool, parts.schema, user], drain: .seconds(5), time: Self.time) { event in
                if case .running = event { log.record("runs") }
            }
            async let outcome = group.run()
            await log.wait(for: "runs")
            chassis.health.started()
            let report = await chassis.health.ready()
            #expect(report.checks.map(\.name) == ["lifecycle", "database", "migrations"])
            #expect(report.status == .up)
            let text = Self.metrics(chassis)
            #expect(text.contains("db_pool_connections_max{service=\"s\"} 8"))
            #expect(text.contains("db_pool_connections{service=\"s\",state=\"idle\"}"))
            #expect(text.contains("dependency_health_status{service=\"s\",dependency=\"database\"} 1"))
            group.stop()
            #expect(await outcome == .stopped)
        }
    }

    @Test("the database's health is in the metrics although nobody asked for health")
    func probe() async throws {
        try await TestPostgres.withDatabase { database in
            let chassis = Self.chassis()
            let parts = chassis.database(try Self.settings(database.url), migrations: [])
            let life = ServiceLife()
            async let running: Void = parts.pool.run(life)
            while !Self.metrics(chassis).contains("dependency=\"database\"} 1") {
                try await Self.time.sleep(for: .milliseconds(2))
            }
            life.stop()
            try await running
        }
    }

    @Test("a database that is away makes the service not ready and says so")
    func away() async throws {
        let chassis = Self.chassis()
        let parts = chassis.database(try Self.settings("postgres://me@127.0.0.1:1/none"), migrations: [])
        chassis.health.started()
        let report = await chassis.health.ready()
        #expect(report.status == .down)
        #expect(report.checks.first { $0.name == "database" }?.detail?.contains("no connection") == true)
        #expect(Self.metrics(chassis).contains("dependency_health_status{service=\"s\",dependency=\"database\"} 0"))
        parts.client.close()
    }

    @Test("a schema that waits for its database stops when it is asked to")
    func stopWhileWaiting() async throws {
        let chassis = Self.chassis()
        let parts = chassis.database(try Self.settings("postgres://me@127.0.0.1:1/none"), migrations: [])
        let life = ServiceLife()
        async let running: Void = parts.schema.run(life)
        life.stop()
        try await running
        parts.client.close()
    }

    @Test("a migration that fails ends the group with its name")
    func failingMigration() async throws {
        try await TestPostgres.withDatabase { database in
            let broken = Migration(version: 7, name: "break", sql: "CREATE NONSENSE")
            let parts = Self.chassis().database(try Self.settings(database.url), migrations: [broken])
            let group = ServiceGroup([parts.pool, parts.schema], drain: .seconds(5), time: Self.time)
            let outcome = await group.run()
            #expect(group.describe(outcome).contains("migration 7 (break) failed"))
        }
    }

    @Test("what waits in the outbox and among the dead letters shows in the metrics")
    func messageTables() async throws {
        try await TestPostgres.withDatabase { database in
            let chassis = Self.chassis()
            let client = chassis.database(try Self.settings(database.url), migrations: []).client
            for sql in [
                "CREATE TABLE outbox_batches (size integer NOT NULL, created_at timestamptz NOT NULL)",
                "CREATE TABLE dead_letters (topic text NOT NULL, status text NOT NULL DEFAULT 'open')",
                "CREATE TABLE parked_messages (topic text NOT NULL)",
                "INSERT INTO parked_messages VALUES ('p')",
                "INSERT INTO dead_letters VALUES ('a', 'discarded'), ('c', 'redriven')",
                "INSERT INTO outbox_batches VALUES (1, now() - interval '90 s'), (4, now())",
                "INSERT INTO dead_letters VALUES ('a'), ('a'), ('b')",
            ] {
                _ = try await client.query(Statement(sql), deadline: Self.soon())
            }
            let tables = MessageTables(client, chassis)
            try await tables.count()
            var text = Self.metrics(chassis)
            #expect(text.contains("outbox_pending{service=\"s\"} 5\n"))
            #expect(text.contains("outbox_oldest_seconds{service=\"s\"} 9"))
            #expect(text.contains("dead_letters{service=\"s\",topic=\"a\"} 2\n"))
            #expect(text.contains("messages_parked{service=\"s\",topic=\"p\"} 1\n"))
            #expect(!text.contains("dead_letters{service=\"s\",topic=\"c\"}"))
            _ = try await client.query(Statement("DELETE FROM outbox_batches"), deadline: Self.soon())
            _ = try await client.query(Statement("DELETE FROM parked_messages"), deadline: Self.soon())
            _ = try await client.query(Statement("DELETE FROM dead_letters WHERE topic = 'a'"), deadline: Self.soon())
            try await tables.count()
            text = Self.metrics(chassis)
            #expect(text.contains("outbox_pending{service=\"s\"} 0\n"))
            #expect(text.contains("outbox_oldest_seconds{service=\"s\"} 0\n"))
            #expect(text.contains("dead_letters{service=\"s\",topic=\"a\"} 0\n"))
            #expect(text.contains("dead_letters{service=\"s\",topic=\"b\"} 1\n"))
            #expect(text.contains("messages_parked{service=\"s\",topic=\"p\"} 0\n"))
            client.close()
        }
    }
}
