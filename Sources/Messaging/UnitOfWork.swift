import Clocks
import Defects
import Postgres
import Synchronization

/// A state change and the messages it causes, committed together and published right after.
///
/// One transaction in two round trips: what must be read (and locked), then, decided on the connection's own thread,
/// everything that is written, with the outbox and the commit. Every change of state in the suite that says something
/// to another process goes through here.
package struct UnitOfWork: Sendable {
    private let postgres: PostgresClient
    private let outbox: Outbox
    private let relay: OutboxRelay

    package init(postgres: PostgresClient, outbox: Outbox, relay: OutboxRelay) {
        self.postgres = postgres
        self.outbox = outbox
        self.relay = relay
    }

    /// What a unit of work writes, says and answers.
    package struct Decision<Result: Sendable>: Sendable {
        /// State changes, in order.
        package var writes: [Statement]
        /// Messages to publish, in order.
        package var outgoing: [OutgoingMessage]
        /// Run once committed: metrics, waking of waiters. Must not block.
        package var afterCommit: (@Sendable () -> Void)?
        /// What the caller gets.
        package var result: Result

        package init(
            writes: [Statement] = [], outgoing: [OutgoingMessage] = [],
            afterCommit: (@Sendable () -> Void)? = nil, result: Result
        ) {
            self.writes = writes
            self.outgoing = outgoing
            self.afterCommit = afterCommit
            self.result = result
        }
    }

    /// Only reads: one statement as a transaction of its own.
    func query(_ statement: Statement, deadline: MonotonicInstant) async throws(PostgresError) -> Rows {
        try await postgres.query(statement, deadline: deadline)
    }

    /// Runs `reads`, then commits what `decide` answers.
    ///
    /// - Throws: `PostgresError`, with "commit unknown" when the connection was lost around the commit: the messages
    ///   of such a transaction are published by the relay's sweep if it did commit. Or what `decide` throws, after a
    ///   rollback.
    package func run<Result: Sendable>(
        reads: [Statement], deadline: MonotonicInstant,
        decide: @escaping @Sendable ([Rows]) throws -> Decision<Result>
    ) async throws -> Result {
        let (outbox, relay) = (outbox, relay)
        // Kept outside the transaction: when its end is not known, it has to be known what it was about.
        let orders = Mutex<Set<UUID>>([])
        let committed: (decision: Decision<Result>, rows: [OutboxRow], foreign: Set<UUID>)
        do {
            committed = try await postgres.transaction(deadline: deadline) { transaction in
                let decision = try decide(try transaction.pipeline(reads))
                let outgoing = decision.outgoing
                orders.withLock { $0 = Set(outgoing.map(\.envelope.orderID)) }
                CrashPoint.beforeCommit.pass()
                guard !outgoing.isEmpty else {
                    _ = try transaction.commit(after: decision.writes)
                    return (decision, [], [])
                }
                let inserts = outbox.insert(outgoing)
                let statements =
                    decision.writes + [outbox.foreignOrders(among: outgoing.map(\.envelope.orderID))] + inserts
                if Defect.publishBeforeCommit.isOn {
                    let rows = try Self.rows(
                        outgoing, answers: try transaction.pipeline(statements).suffix(inserts.count + 1))
                    relay.enqueue(rows.inserted, foreignOrders: rows.foreign)
                    return (decision, [], [])
                }
                let rows = try Self.rows(
                    outgoing, answers: try transaction.commit(after: statements).suffix(inserts.count + 1))
                return (decision, rows.inserted, rows.foreign)
            }
        } catch let error as PostgresError {
            if error.isCommitUnknown { relay.expectUnknownCommit(of: orders.withLock { $0 }) }
            throw error
        }
        CrashPoint.afterCommit.pass()
        relay.enqueue(committed.rows, foreignOrders: committed.foreign)
        committed.decision.afterCommit?()
        return committed.decision.result
    }

    /// The rows of these messages, and the orders that wait for another process.
    ///
    /// - Parameter answers: those to ``Outbox/foreignOrders(among:)`` and ``Outbox/insert(_:)``.
    private static func rows(
        _ outgoing: [OutgoingMessage], answers: ArraySlice<Rows>
    ) throws -> (inserted: [OutboxRow], foreign: Set<UUID>) {
        let foreign = try answers.first?.map { try $0.uuid(0) } ?? []
        return (try Outbox.rows(outgoing, answers: answers.dropFirst()), Set(foreign))
    }
}
