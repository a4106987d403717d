import Clocks

/// Brings a database's schema up to date: each step in a transaction of its own, under a lock that keeps other
/// processes waiting, checked against what was applied before.
package struct Migrator: Sendable {
    /// Of all advisory locks in the database this one is the migrations'.
    private static let lock: Int64 = 0x686f_6c64_6661_7374

    private let postgres: PostgresClient
    private let migrations: [Migration]

    package init(_ postgres: PostgresClient, _ migrations: [Migration]) {
        self.postgres = postgres
        self.migrations = migrations.sorted { $0.version < $1.version }
        precondition(
            Set(migrations.map(\.version)).count == migrations.count, "two migrations have the same version")
    }

    /// Applies what is missing; answers what was applied.
    ///
    /// - Throws: ``MigrationError``; the steps before the one that failed stay applied.
    package func apply(deadline: MonotonicInstant) async throws(MigrationError) -> [Migration] {
        let migrations = migrations
        let outcome: Result<[Migration], MigrationError>
        do {
            outcome = try await postgres.withSession(deadline: deadline) { session throws(PostgresError) in
                try session.script("SET lock_timeout = 0; SELECT pg_advisory_lock(\(Self.lock))")
                defer {
                    try? session.script("SELECT pg_advisory_unlock(\(Self.lock)); RESET lock_timeout")
                }
                return Result { () throws(MigrationError) in try Self.apply(migrations, in: session) }
            }
        } catch {
            throw .postgres(error)
        }
        return try outcome.get()
    }

    /// What is not applied yet.
    package func pending(deadline: MonotonicInstant) async throws(MigrationError) -> [Migration] {
        do throws(PostgresError) {
            let table = try await postgres.query(
                Statement("SELECT to_regclass('schema_migrations') IS NOT NULL"), deadline: deadline)
            guard try table[0].bool(0) else { return migrations }
            let rows = try await postgres.query(
                Statement("SELECT version FROM schema_migrations"), deadline: deadline)
            var applied: Set<Int> = []
            for row in rows { applied.insert(Int(try row.int8(0))) }
            return migrations.filter { !applied.contains($0.version) }
        } catch {
            throw .postgres(error)
        }
    }

    private static func apply(
        _ migrations: [Migration], in session: LibpqSession
    ) throws(MigrationError) -> [Migration] {
        let applied = try recorded(in: session)
        for (version, record) in applied.sorted(by: { $0.key < $1.key }) {
            guard let known = migrations.first(where: { $0.version == version }) else {
                throw .unknown(version: version, name: record.name)
            }
            guard known.checksum == record.checksum else { throw .changed(version: version, name: known.name) }
        }
        let missing = migrations.filter { applied[$0.version] == nil }
        for migration in missing {
            do throws(PostgresError) {
                try session.script(
                    """
                    BEGIN;
                    \(migration.sql)
                    ;INSERT INTO schema_migrations (version, name, checksum)
                    VALUES (\(migration.version), '\(migration.name)', \(migration.checksum));
                    COMMIT
                    """)
            } catch {
                session.rollBack()
                throw .failed(version: migration.version, name: migration.name, error)
            }
        }
        return missing
    }

    private static func recorded(
        in session: LibpqSession
    ) throws(MigrationError) -> [Int: (name: String, checksum: Int64)] {
        do throws(PostgresError) {
            try session.script(
                """
                SET client_min_messages = warning;
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    version bigint PRIMARY KEY, name text NOT NULL, checksum bigint NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now());
                RESET client_min_messages
                """)
            let rows = try session.pipeline(
                prefix: [], [Statement("SELECT version, name, checksum FROM schema_migrations")], commits: false,
                limits: .init(deadline: .distantFuture, isCancelled: { false }))[0]
            var recorded: [Int: (name: String, checksum: Int64)] = [:]
            for row in rows { recorded[Int(try row.int8(0))] = (try row.text(1), try row.int8(2)) }
            return recorded
        } catch {
            throw .postgres(error)
        }
    }
}
