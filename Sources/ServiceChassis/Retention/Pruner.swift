import Clocks
import Messaging
import Postgres
import Telemetry

/// Removes what has been kept long enough, in portions, each a transaction of its own.
package struct Pruner: Sendable {
    /// A table, and how to remove a portion of what is too old.
    package struct Table: Sendable {
        package var name: String
        /// Removes at most that many rows.
        package var prune: @Sendable (_ limit: Int) -> Statement

        package init(_ name: String, prune: @escaping @Sendable (_ limit: Int) -> Statement) {
            self.name = name
            self.prune = prune
        }
    }

    private static let interval = Duration.seconds(60)
    /// Small enough not to hold locks or a connection for long.
    private static let portion = 2000
    /// How many portions of a table one round removes; what is left is removed by the next.
    private static let portionsARound = 100

    private let tables: [Table]
    private let client: PostgresClient
    private let metrics: StandardMetrics
    private let time: any TimeSource
    private let logger: Logger

    package init(_ tables: [Table], _ client: PostgresClient, _ chassis: Chassis) {
        self.tables = tables
        self.client = client
        metrics = chassis.metrics
        time = chassis.time
        logger = chassis.logger
        // The series are there before anything is removed.
        for table in tables { metrics.rowsPruned.labelled(table.name).increment(by: 0) }
    }

    /// The part that prunes for as long as the service runs.
    package func part(_ name: String) -> any Service {
        ClosureService.periodic(name, every: Self.interval, time: time, logger: logger) { try await prune() }
    }

    /// Prunes once; a table that cannot be pruned does not keep the others from it.
    ///
    /// - Throws: what kept the last of them from it.
    package func prune() async throws {
        var failure: (any Error)?
        for table in tables {
            do {
                try await prune(table)
            } catch {
                try Task.checkCancellation()
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func prune(_ table: Table) async throws {
        for _ in 0..<Self.portionsARound {
            // A portion that is lost is removed again: no need to wait for the disk.
            let removed = try await client.batch(
                [table.prune(Self.portion)], options: TransactionOptions(synchronousCommit: false),
                deadline: time.now.advanced(by: .seconds(10)))[0].affected
            if removed > 0 { metrics.rowsPruned.labelled(table.name).increment(by: removed) }
            if removed < Self.portion { return }
        }
    }
}

extension Pruner.Table {
    /// The tables of every service that hears messages.
    static func messaging(_ settings: RetentionSettings) -> [Pruner.Table] {
        [
            Pruner.Table("inbox") { Retention.inbox(olderThan: .days(settings.inboxDays), limit: $0) },
            Pruner.Table("dead_letters") {
                Retention.deadLetters(olderThan: .days(settings.deadLetterDays), limit: $0)
            },
        ]
    }

    /// What a participant of the saga keeps besides.
    package static func voidedOrders(_ settings: RetentionSettings) -> Pruner.Table {
        Pruner.Table("voided_orders") { Retention.voidedOrders(olderThan: .days(settings.inboxDays), limit: $0) }
    }
}
