import Clocks
import Contracts
import Defects
import Postgres
import Resilience
import Synchronization
import Telemetry

/// Handles batches of messages: each once in effect, whatever is repeated, none lost, whatever fails, and those of one
/// order in their order.
///
/// A batch is one transaction. When it fails for a reason of its own (not the database being away), it is divided until the
/// message to blame is alone. That one is parked, and with it all later messages of its order, while the others go on.
/// ``MessageProcessor/claim(topics:limit:)`` and what follows it try parked messages again.
package final class MessageProcessor: Sendable {
    /// The bounds of a processor.
    package struct Configuration: Sendable {
        /// How often a parked message is tried.
        package var parking = ParkingRules()
        /// For how long a claim on a parked key keeps others away; longer than a transaction may take.
        package var lease = Duration.seconds(15)
        /// How many followers of a parked message are handled in one transaction.
        package var followers = 128
        /// How often a batch that met what another process has just written is tried again before it is to blame itself.
        package var conflicts = 3
        /// How long one transaction may take.
        package var transactionTimeout = Duration.seconds(10)
        /// The wait before another try while the database is away, doubling up to `maximumBackoff`.
        package var minimumBackoff = Duration.milliseconds(50)
        package var maximumBackoff = Duration.seconds(2)
        /// How often a further try is put off by `maximumBackoff` because the retry budget is empty. Then it is made all the
        /// same: a batch waits longer, but not for ever.
        package var postponements = 5

        package init() {}
    }

    /// What the processor has done since it started.
    package struct Statistics: Sendable {
        package var handled: UInt64 = 0
        package var repeated: UInt64 = 0
        /// Messages that were parked, followers included.
        package var parked: UInt64 = 0
        package var deadLettered: UInt64 = 0
        package var retries: UInt64 = 0
        /// Commands not begun because their deadline had passed, and answered so.
        package var expired: UInt64 = 0
        /// Commands begun although their deadline had passed, because too many had been refused.
        package var begunLate: UInt64 = 0
        /// Waits for the retry budget.
        package var postponed: UInt64 = 0
    }

    let transaction: BatchTransaction
    let unitOfWork: UnitOfWork
    let messages: MessageFactory
    let configuration: Configuration
    let time: any TimeSource
    let log: Logger
    let counters = Mutex(Statistics())
    let tracer: Tracer?
    private let budget: RetryBudget?
    private let expiry = Mutex(ExpiryGuard())
    private let onParked = Mutex<(@Sendable () -> Void)?>(nil)

    /// - Parameters:
    ///   - usesInbox: false for handlers that recognise repeats by their own state.
    ///   - budget: pays for further tries against the database.
    package init(
        handler: any MessageHandler, unitOfWork: UnitOfWork, messages: MessageFactory, usesInbox: Bool = true,
        configuration: Configuration = Configuration(), budget: RetryBudget? = nil, time: any TimeSource, log: Logger,
        tracer: Tracer? = nil
    ) {
        transaction = BatchTransaction(handler: handler, messages: messages, usesInbox: usesInbox)
        self.unitOfWork = unitOfWork
        self.messages = messages
        self.configuration = configuration
        self.budget = budget
        self.time = time
        self.log = log
        self.tracer = tracer
    }

    package var statistics: Statistics { counters.withLock { $0 } }

    /// Has `body` called after each commit that parked messages: something will be due. It must not block.
    package func onParked(_ body: @escaping @Sendable () -> Void) {
        onParked.withLock { $0 = body }
    }

    /// Handles records that could all be read.
    package func process(_ batch: [IncomingMessage]) async throws {
        try await process(batch.map { .message($0) })
    }

    /// Returns once every record of the batch, which is of one topic, is handled, parked or a dead letter.
    ///
    /// - Throws: `CancellationError`, or `PostgresError` when the pool is closed or the call was cancelled; the batch is
    ///   then as if never seen, or committed.
    package func process(_ batch: [IncomingRecord]) async throws {
        let batch = batch.filter { $0.message.map(transaction.handler.concerns) ?? true }
        guard !batch.isEmpty else { return }
        // Judged once: a batch that is tried again is the same batch.
        try await isolate(batch[...], expired(in: batch))
    }

    /// Divides a batch that fails for a reason of its own until the message to blame is alone, and parks that one.
    private func isolate(_ batch: ArraySlice<IncomingRecord>, _ expired: Set<UUID>) async throws {
        do {
            try await whenDatabaseAnswers { try await self.attempt(Array(batch), expired) }
        } catch  where Self.isEnd(error) {
            throw error
        } catch  where batch.count > 1 {
            log.warning("a batch failed and is divided", ["count": .count(batch.count), "error": .error(error)])
            let middle = batch.startIndex + batch.count / 2
            try await isolate(batch[..<middle], expired)
            try await isolate(batch[middle...], expired)
        } catch {
            guard let id = batch.first?.message?.envelope.id else { throw error }
            let failures = [id: Trouble(.failed, "\(error)")]
            try await whenDatabaseAnswers { try await self.attempt(Array(batch), expired, failures) }
        }
    }

    /// Whether an error says that the work was to end, and nothing about the batch.
    static func isEnd(_ error: any Error) -> Bool {
        switch error {
        case is CancellationError, PostgresError.cancelled, PostgresError.closed: true
        default: false
        }
    }

    /// The commands that are not begun because their deadline has passed.
    ///
    /// Only where the inbox keeps the answer: a refused command must stay refused when it comes again, because the saga
    /// takes the answer to mean that it had no effect and never will have.
    func expired(in batch: [IncomingRecord]) -> Set<UUID> {
        guard transaction.usesInbox else { return [] }
        let now = time.now
        let envelopes = batch.compactMap(\.message?.envelope)
        var expired: Set<UUID> = []
        var late: UInt64 = 0
        expiry.withLock { expiry in
            for message in envelopes { expiry.observe(message.sender, said: message.time, now: now) }
            for message in envelopes where MessageType.commandName(of: message.type) != nil {
                switch expiry.judge(message.sender, said: message.time, deadline: message.deadline, now: now) {
                case .begin: break
                case .refuse: expired.insert(message.id)
                case .beginLate: late += 1
                }
            }
        }
        if late > 0 { counters.withLock { $0.begunLate += late } }
        return expired
    }

    var deadline: MonotonicInstant { time.now.advanced(by: configuration.transactionTimeout) }

    private func whenDatabaseAnswers(_ work: @Sendable () async throws -> Void) async throws {
        var backoff = configuration.minimumBackoff
        var conflicts = 0
        while true {
            do {
                try await work()
                budget?.deposit()
                return
            } catch let error as PostgresError
                where error.isRetriable || (error.isUniqueViolation && conflicts < configuration.conflicts)
            {
                try Task.checkCancellation()
                // Another process was faster; the next look finds what it did. If not, the message itself is to blame.
                if error.isUniqueViolation { conflicts += 1 }
                counters.withLock { $0.retries += 1 }
                log.warning("the database failed a batch, which is tried again", ["error": .error(error)])
                // While the circuit is open nothing can come of a try.
                try await time.sleep(for: max(backoff, error.retryAfter ?? .zero))
                // What the breaker refused has cost the database nothing, and is not paid for.
                if case .circuitOpen = error {} else { try await payForRetry() }
                backoff = min(backoff * 2, configuration.maximumBackoff)
            }
        }
    }

    private func payForRetry() async throws {
        guard let budget else { return }
        for _ in 0..<configuration.postponements {
            if budget.withdraw() { return }
            counters.withLock { $0.postponed += 1 }
            try await time.sleep(for: configuration.maximumBackoff)
        }
    }

    // MARK: One transaction

    /// What a batch came to.
    private struct Outcome: Sendable {
        var handled = 0
        var repeated = 0
        var expired = 0
        var parked = 0
        var buried = 0
        var troubles: [(order: UUID?, trouble: Trouble)] = []
        /// The replies that there are now, by message.
        var replies: [UUID: OutgoingMessage] = [:]
    }

    /// Handles the batch in one transaction; answers the replies that there are now, by message.
    @discardableResult
    func attempt(
        _ batch: [IncomingRecord], _ expired: Set<UUID>, _ failures: [UUID: Trouble] = [:]
    ) async throws -> [UUID: OutgoingMessage] {
        guard let topic = batch.first?.origin.topic else { return [:] }
        let locks = ParkingStatements.lockKeys(topic: topic, batch.compactMap(\.orderID))
        let outcome = try await traced(batch) {
            try await unitOfWork.run(
                reads: transaction.reads(for: batch, own: [locks]), deadline: deadline
            ) { rows in
                let (inbox, own, rest) = self.transaction.split(rows, own: 1)
                let sorted = try self.transaction.sort(
                    batch, expired: expired, parked: Set(try own[0].map { try $0.uuid(0) }), failures: failures,
                    inbox: inbox, rows: rest)
                return self.decision(sorted, of: batch.count, topic: topic)
            }
        }
        note(outcome, topic: topic)
        return outcome.replies
    }

    /// What is to be written of a batch: the handler's effects, what is parked, and what has no key to be parked by.
    private func decision(
        _ sorted: BatchTransaction.Sorted, of count: Int, topic: String
    ) -> UnitOfWork.Decision<Outcome> {
        var writes = sorted.writes
        var outgoing = sorted.outgoing
        let now = messages.wallNow
        var outcome = Outcome(
            handled: sorted.plan.begun.count, repeated: count - sorted.fresh.count, expired: sorted.expired,
            parked: sorted.plan.waiting.count, buried: sorted.plan.keyless.count, replies: sorted.replies)
        if !sorted.plan.waiting.isEmpty {
            let waits = sorted.plan.heads.compactMap { place in
                sorted.fresh[place].orderID.map { order in
                    (order: order, wait: configuration.parking.wait(after: 1, spread: order.spread))
                }
            }
            if !waits.isEmpty { writes.append(ParkingStatements.open(topic: topic, waits)) }
            writes.append(ParkingStatements.park(topic: topic, sorted.parkedEntries))
        }
        if !sorted.plan.keyless.isEmpty {
            let letters = sorted.plan.keyless.map { place in
                DeadLetter(
                    KeptRecord(sorted.fresh[place]), sorted.troubles[place] ?? Trouble(.unreadable, "it has no key"),
                    attempts: 1, firstSeen: now)
            }
            writes.append(DeadLetter.insert(letters, ids: letters.map { _ in messages.newID(at: now) }))
            outgoing += letters.compactMap { letter in
                letter.record.publication(letter.trouble, attempts: 1, firstSeen: now, by: messages)
            }
        }
        outcome.troubles = (sorted.plan.heads + sorted.plan.keyless).compactMap { place in
            sorted.troubles[place].map { (sorted.fresh[place].orderID, $0) }
        }
        return UnitOfWork.Decision(
            writes: writes, outgoing: outgoing, afterCommit: sorted.afterCommit, result: outcome)
    }

    private func note(_ outcome: Outcome, topic: String) {
        counters.withLock { counters in
            counters.handled += UInt64(outcome.handled)
            counters.repeated += UInt64(outcome.repeated)
            counters.expired += UInt64(outcome.expired)
            counters.parked += UInt64(outcome.parked)
            counters.deadLettered += UInt64(outcome.buried)
        }
        for (order, trouble) in outcome.troubles {
            var fields: LogMetadata = ["topic": .text(topic), "reason": .text(trouble.detail)]
            if let order { fields["orderId"] = .uuid(order) }
            if order == nil {
                log.error("a record without a key became a dead letter", fields)
            } else {
                log.warning("a message cannot be handled now and is parked", fields)
            }
        }
        if outcome.parked > 0 { onParked.withLock { $0 }?() }
    }
}

extension BatchTransaction.Sorted {
    /// What is written of those who wait; only a head has been tried.
    fileprivate var parkedEntries: [ParkingStatements.Entry] {
        let heads = Set(plan.heads)
        return plan.waiting.compactMap { place in
            let record = KeptRecord(fresh[place])
            return record.orderID.map {
                ParkingStatements.Entry(
                    record: record, orderID: $0, trouble: heads.contains(place) ? troubles[place] : nil)
            }
        }
    }
}
