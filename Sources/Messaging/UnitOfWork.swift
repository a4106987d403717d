import Clocks
import Postgres

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

    /// Runs `reads`, then commits what `decide` answers.
    ///
    /// - Throws: `PostgresError`, with "commit unknown" when the connection was lost around the commit: the messages
    ///   of such a transaction are published by the relay's sweep if it did commit. Or what `decide` throws, after a
    ///   rollback.
    package func run<Result: Sendable>(
        reads: [Statement], deadline: MonotonicInstant,
        decide: @escaping @Sendable ([Rows]) throws -> Decision<Result>
    ) async throws -> Result {
        let outbox = outbox
        let committed: (decision: Decision<Result>, rows: [OutboxRow], foreign: Set<UUID>)
        do {
            committed = try await postgres.transaction(deadline: deadline) { transaction in
                let decision = try decide(try transaction.pipeline(reads))
                let outgoing = decision.outgoing
                guard !outgoing.isEmpty else {
                    _ = try transaction.commit(after: decision.writes)
                    return (decision, [], [])
                }
                let answers = try transaction.commit(
                    after: decision.writes + [
                        outbox.foreignOrders(among: outgoing.map(\.envelope.orderID)), outbox.insert(outgoing),
                    ])
                let foreign = try answers[answers.count - 2].map { try $0.uuid(0) }
                return (decision, try Self.rows(outgoing, inserted: answers[answers.count - 1]), Set(foreign))
            }
        } catch let error as PostgresError {
            if error.isCommitUnknown { relay.expectUnknownCommit() }
            throw error
        }
        relay.enqueue(committed.rows, foreignOrders: committed.foreign)
        committed.decision.afterCommit?()
        return committed.decision.result
    }

    private static func rows(_ outgoing: [OutgoingMessage], inserted: Rows) throws -> [OutboxRow] {
        var sequences: [UUID: Int64] = Dictionary(minimumCapacity: inserted.count)
        for row in inserted { sequences[try row.uuid(0)] = try row.int8(1) }
        return outgoing.compactMap { message in
            sequences[message.envelope.id].map {
                OutboxRow(position: .init(orderID: message.envelope.orderID, sequence: $0), message: message)
            }
        }.sorted { $0.position.sequence < $1.position.sequence }
    }
}
