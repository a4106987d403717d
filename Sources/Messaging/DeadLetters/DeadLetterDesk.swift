import Clocks
import Postgres
import Synchronization

/// What operators do with dead letters: see them, edit them, send them back, discard them. Each decision is one
/// transaction, and is written into the letter with who took it.
package final class DeadLetterDesk: Sendable {
    /// Why a decision could not be taken.
    package enum Refusal: Error, Sendable, Hashable {
        case notFound
        /// It has been decided about already; what its status is.
        case notOpen(StoredDeadLetter.Status)
        /// It names no order, so nobody knows what it would be in order with: its headers have to be edited first.
        case noOrder
    }

    private let postgres: PostgresClient
    private let discarded = Mutex<[String: Int]>([:])
    private let onRedriven = Mutex<(@Sendable () -> Void)?>(nil)

    package init(_ postgres: PostgresClient) {
        self.postgres = postgres
    }

    /// Has `body` called after each commit that made parked messages due. It must not block.
    package func onRedriven(_ body: @escaping @Sendable () -> Void) {
        onRedriven.withLock { $0 = body }
    }

    /// How many letters of each topic were discarded here since the process started.
    package var discards: [(topic: String, count: Int)] {
        discarded.withLock { $0.sorted { $0.key < $1.key }.map { (topic: $0.key, count: $0.value) } }
    }

    /// The newest letters that are meant, behind one of them, and how many are open by topic and reason.
    package func list(
        _ filter: DeadLetterFilter, after: UUID?, limit: Int, deadline: MonotonicInstant
    ) async throws -> (letters: [StoredDeadLetter], counts: [(topic: String, reason: Trouble.Reason, count: Int)]) {
        let answers = try await postgres.batch(
            [DeadLetterStatements.list(filter, after: after, limit: limit), DeadLetterStatements.counts],
            options: .snapshot, deadline: deadline)
        let counts = try answers[1].map {
            (topic: try $0.text(0), reason: try $0.rawValue(1, as: Trouble.Reason.self), count: Int(try $0.int8(2)))
        }
        return (try answers[0].map(StoredDeadLetter.init), counts)
    }

    package func find(_ id: UUID, deadline: MonotonicInstant) async throws -> StoredDeadLetter {
        guard let row = try await postgres.query(DeadLetterStatements.find(id), deadline: deadline).first else {
            throw Refusal.notFound
        }
        return try StoredDeadLetter(row)
    }

    /// Changes payload, headers or both of an open letter.
    package func edit(
        _ id: UUID, headers: [(name: String, value: [UInt8]?)]?, payload: [UInt8]?, by editor: String,
        deadline: MonotonicInstant
    ) async throws -> StoredDeadLetter {
        try await decide(id, deadline: deadline) { letter, transaction in
            var edited = letter
            edited.headers = headers ?? letter.headers
            edited.payload = payload ?? letter.payload
            _ = try transaction.execute(
                DeadLetterStatements.edit(
                    id, headers: edited.headers, payload: edited.payload,
                    order: edited.content.orderID ?? letter.orderID,
                    by: editor))
        }
    }

    /// Discards an open letter: it will have no effect. It stays until its retention ends.
    package func discard(
        _ id: UUID, by operator: String, because reason: String, deadline: MonotonicInstant
    ) async throws -> StoredDeadLetter {
        let letter = try await decide(id, deadline: deadline) { _, transaction in
            _ = try transaction.execute(DeadLetterStatements.discard(id, by: `operator`, because: reason))
        }
        discarded.withLock { $0[letter.topic, default: 0] += 1 }
        return letter
    }

    /// Sends an open letter back: it waits at its place among the messages of its order, due at once.
    package func redrive(
        _ id: UUID, by operator: String, deadline: MonotonicInstant
    ) async throws -> StoredDeadLetter {
        let letter = try await decide(id, deadline: deadline) { letter, transaction in
            guard letter.orderID != nil else { throw Refusal.noOrder }
            try Self.park([letter], by: `operator`, transaction)
        }
        onRedriven.withLock { $0 }?()
        return letter
    }

    /// Sends up to `limit` open letters back, the oldest first; answers which, and how many of them name no order and stay.
    package func redrive(
        _ filter: DeadLetterFilter, limit: Int, by operator: String, deadline: MonotonicInstant
    ) async throws -> (redriven: [UUID], withoutOrder: Int) {
        let result = try await postgres.transaction(deadline: deadline) { transaction in
            let rows = try transaction.execute(DeadLetterStatements.lockOpen(filter, limit: limit))
            let letters = try rows.map(StoredDeadLetter.init)
            let known = letters.filter { $0.orderID != nil }
            if !known.isEmpty { try Self.park(known, by: `operator`, transaction) }
            return (redriven: known.map(\.id), withoutOrder: letters.count - known.count)
        }
        if !result.redriven.isEmpty { onRedriven.withLock { $0 }?() }
        return result
    }

    private static func park(_ letters: [StoredDeadLetter], by operator: String, _ transaction: Transaction) throws {
        let ids = letters.map(\.id)
        _ = try transaction.pipeline([
            DeadLetterStatements.openKeys(letters), DeadLetterStatements.park(ids),
            DeadLetterStatements.redriving(ids, by: `operator`),
        ])
    }

    /// Decides about an open letter that nobody else decides about meanwhile; answers the letter as it is then.
    private func decide(
        _ id: UUID, deadline: MonotonicInstant,
        _ body: @escaping @Sendable (StoredDeadLetter, Transaction) throws -> Void
    ) async throws -> StoredDeadLetter {
        try await postgres.transaction(deadline: deadline) { transaction in
            guard let row = try transaction.execute(DeadLetterStatements.find(id, locks: true)).first else {
                throw Refusal.notFound
            }
            let letter = try StoredDeadLetter(row)
            guard letter.status == .open else { throw Refusal.notOpen(letter.status) }
            try body(letter, transaction)
            let now = try transaction.commit(after: [DeadLetterStatements.find(id)])
            guard let row = now[0].first else { throw Refusal.notFound }
            return try StoredDeadLetter(row)
        }
    }
}
