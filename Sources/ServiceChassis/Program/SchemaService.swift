import Clocks
import Postgres
import Synchronization
import Telemetry

/// Brings a database's schema up to date once, then waits for the end.
///
/// A server that is not there yet is waited for, so that services and their database may be started in any order. A
/// migration that fails ends the group: the service cannot work with such a schema.
final class SchemaService: Service {
    let name = "database-schema"
    private let migrator: Migrator
    private let patience: Duration?
    private let time: any TimeSource
    private let logger: Logger
    private let isApplied = Atomic(false)

    /// How long one attempt may take: longer than any migration should run.
    private static let attemptLimit = Duration.seconds(600)
    private static let pause = Duration.milliseconds(250)

    /// A service that waits for the server for `patience`, or for ever.
    init(migrator: Migrator, patience: Duration?, time: any TimeSource, logger: Logger) {
        self.migrator = migrator
        self.patience = patience
        self.time = time
        self.logger = logger
    }

    var isCurrent: Bool { isApplied.load(ordering: .acquiring) }

    func run(_ life: ServiceLife) async throws {
        let isDone = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.apply()
                return true
            }
            group.addTask {
                await life.stopRequested()
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        guard isDone else { return }
        life.ready()
        await life.stopRequested()
    }

    /// Applies what is missing.
    ///
    /// - Throws: `MigrationError`, or `CancellationError` while waiting for the server.
    func apply() async throws {
        let end = patience.map { time.now.advanced(by: $0) } ?? .distantFuture
        var isWarned = false
        while true {
            do {
                let applied = try await migrator.apply(deadline: time.now.advanced(by: Self.attemptLimit))
                for migration in applied {
                    logger.info(
                        "migration applied", ["version": .count(migration.version), "name": .text(migration.name)])
                }
                isApplied.store(true, ordering: .releasing)
                return
            } catch {
                guard case .postgres(let failure) = error, failure.isRetriable, time.now < end else { throw error }
                if !isWarned { logger.warning("waiting for the database", ["error": .error(failure)]) }
                isWarned = true
                try await time.sleep(for: Self.pause)
            }
        }
    }
}
