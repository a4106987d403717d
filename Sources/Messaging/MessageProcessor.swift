import Clocks
import Contracts
import Postgres
import Synchronization
import Telemetry

/// Handles batches of messages: each once in effect, whatever is repeated, and none lost, whatever fails.
///
/// A batch is one transaction. When it fails for a reason of its own (not the database being away), its messages
/// are handled one by one, and the one that fails alone becomes a dead letter after a few attempts.
package final class MessageProcessor: Sendable {
    /// The bounds of a processor.
    package struct Configuration: Sendable {
        /// How often a message is tried alone before it is a dead letter.
        package var attempts = 3
        /// How long one transaction may take.
        package var transactionTimeout = Duration.seconds(10)
        /// The wait before another try while the database is away, doubling up to `maximumBackoff`.
        package var minimumBackoff = Duration.milliseconds(50)
        package var maximumBackoff = Duration.seconds(2)

        package init() {}
    }

    /// What the processor has done since it started.
    package struct Statistics: Sendable {
        package var handled: UInt64 = 0
        package var repeated: UInt64 = 0
        package var deadLettered: UInt64 = 0
        package var retries: UInt64 = 0
    }

    private let handler: any MessageHandler
    private let unitOfWork: UnitOfWork
    private let messages: MessageFactory
    private let usesInbox: Bool
    private let configuration: Configuration
    private let time: any TimeSource
    private let log: Logger
    private let counters = Mutex(Statistics())

    /// - Parameter usesInbox: false for handlers that recognise repeats by their own state.
    package init(
        handler: any MessageHandler, unitOfWork: UnitOfWork, messages: MessageFactory, usesInbox: Bool = true,
        configuration: Configuration = Configuration(), time: any TimeSource, log: Logger
    ) {
        self.handler = handler
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.usesInbox = usesInbox
        self.configuration = configuration
        self.time = time
        self.log = log
    }

    package var statistics: Statistics { counters.withLock { $0 } }

    /// Returns once every message of the batch is handled or a dead letter.
    ///
    /// - Throws: `CancellationError` only; the batch is then as if never seen, or committed.
    package func process(_ batch: [IncomingMessage]) async throws {
        do {
            try await processWhenDatabaseAnswers(batch)
        } catch let error as CancellationError {
            throw error
        } catch  where batch.count > 1 {
            log.warning("a batch failed and is handled one by one", ["error": .error(error)])
            for message in batch { try await processAlone(message) }
        } catch {
            if let message = batch.first { try await processAlone(message) }
        }
    }

    private func processAlone(_ message: IncomingMessage) async throws {
        let firstSeen = messages.wallNow
        for attempt in 1... {
            do {
                return try await processWhenDatabaseAnswers([message])
            } catch let error as CancellationError {
                throw error
            } catch {
                guard attempt >= configuration.attempts else {
                    counters.withLock { $0.retries += 1 }
                    try await time.sleep(for: configuration.minimumBackoff)
                    continue
                }
                return try await bury(
                    [DeadLetter(message, reason: "\(error)", attempts: attempt, firstSeen: firstSeen)])
            }
        }
    }

    /// Records records that are no messages of ours.
    package func bury(_ letters: [DeadLetter]) async throws {
        guard !letters.isEmpty else { return }
        let now = messages.wallNow
        let ids = letters.map { _ in messages.newID(at: now) }
        let buried = letters
        try await whenDatabaseAnswers {
            try await self.unitOfWork.run(reads: [], deadline: self.deadline) { _ in
                UnitOfWork.Decision(
                    writes: [DeadLetter.insert(buried, ids: ids, now: now)],
                    outgoing: buried.compactMap { $0.publication(by: self.messages) }, result: ())
            }
        }
        counters.withLock { $0.deadLettered += UInt64(letters.count) }
        for letter in letters {
            log.error(
                "a message became a dead letter", ["topic": .text(letter.origin.topic), "reason": .text(letter.reason)])
        }
    }

    private var deadline: MonotonicInstant { time.now.advanced(by: configuration.transactionTimeout) }

    private func processWhenDatabaseAnswers(_ batch: [IncomingMessage]) async throws {
        try await whenDatabaseAnswers { try await self.attempt(batch) }
    }

    private func whenDatabaseAnswers(_ work: @Sendable () async throws -> Void) async throws {
        var backoff = configuration.minimumBackoff
        var conflicts = 0
        while true {
            do {
                return try await work()
            } catch let error as PostgresError
                where error.isRetriable || (error.isUniqueViolation && conflicts < configuration.attempts)
            {
                try Task.checkCancellation()
                // Another process was faster; the next look finds what it did. If not, the message itself is to blame.
                if error.isUniqueViolation { conflicts += 1 }
                counters.withLock { $0.retries += 1 }
                log.warning("the database failed a batch, which is tried again", ["error": .error(error)])
                try await time.sleep(for: backoff)
                backoff = min(backoff * 2, configuration.maximumBackoff)
            }
        }
    }

    private func attempt(_ batch: [IncomingMessage]) async throws {
        let handler = handler
        let usesInbox = usesInbox
        let reads = handler.reads(for: batch)
        let inbox =
            usesInbox
            ? [Inbox.serialise(batch.map(\.envelope.orderID)), Inbox.lookUp(batch.map(\.envelope.id))] : []
        let counts = try await unitOfWork.run(reads: inbox + reads, deadline: deadline) { rows in
            var seen: [UUID: [UInt8]?] = [:]
            if usesInbox {
                for row in rows[1] { seen[try row.uuid(0)] = .some(try row.optionalBytes(1)) }
            }
            return try self.decide(batch, seen: seen, rows: Array(rows.dropFirst(inbox.count)))
        }
        counters.withLock { counters in
            counters.handled += UInt64(counts.handled)
            counters.repeated += UInt64(batch.count - counts.handled)
            counters.deadLettered += UInt64(counts.refused)
        }
    }

    private func decide(
        _ batch: [IncomingMessage], seen: [UUID: [UInt8]?], rows: [Rows]
    ) throws -> UnitOfWork.Decision<(handled: Int, refused: Int)> {
        var fresh: [IncomingMessage] = []
        var outgoing: [OutgoingMessage] = []
        var inBatch: Set<UUID> = []
        for message in batch where inBatch.insert(message.envelope.id).inserted {
            guard let recorded = seen[message.envelope.id] else {
                fresh.append(message)
                continue
            }
            if let reply = recorded { outgoing.append(self.reply(reply, to: message)) }
        }
        guard !fresh.isEmpty else {
            return UnitOfWork.Decision(outgoing: outgoing, result: (0, 0))
        }
        let handled = try handler.handle(fresh, rows: rows)
        outgoing += fresh.compactMap { handled.replies[$0.envelope.id] } + handled.outgoing
        var writes = handled.writes
        if usesInbox {
            writes.append(
                Inbox.record(fresh.map { ($0.envelope.id, handled.replies[$0.envelope.id]?.envelope.payload) }))
        }
        let now = messages.wallNow
        let letters = fresh.compactMap { message in
            handled.refused[message.envelope.id].map {
                DeadLetter(message, reason: $0, attempts: 1, firstSeen: now)
            }
        }
        if !letters.isEmpty {
            writes.append(DeadLetter.insert(letters, ids: letters.map { _ in messages.newID(at: now) }, now: now))
            outgoing += letters.compactMap { $0.publication(by: messages) }
        }
        return UnitOfWork.Decision(
            writes: writes, outgoing: outgoing, afterCommit: handled.afterCommit,
            result: (fresh.count, letters.count))
    }

    private func reply(_ payload: [UInt8], to message: IncomingMessage) -> OutgoingMessage {
        messages.message(
            to: .sagaReplies, type: MessageType.commandReply, orderID: message.envelope.orderID,
            trace: message.envelope.trace, payload: payload)
    }
}
