import Clocks
import Postgres
import Telemetry

extension MessageProcessor {
    /// What one try of a claimed key came to.
    private enum Step: Sendable {
        /// Some were handled, or the head was given up; others follow and are due at once.
        case more
        /// None waits any more, or the head waits for its next try.
        case rest
        /// Somebody else has the key.
        case lost
    }

    /// Tries the messages of a claimed key, and those behind them as long as they can be handled. What it could not write
    /// down is due again when the claim ends.
    package func retry(_ claim: ParkedClaim) async {
        var portion = configuration.followers
        var conflicts = 0
        var failures: [UUID: Trouble] = [:]
        while !Task.isCancelled {
            do {
                guard let key = try await load(claim, limit: portion) else { return }
                let tried = key.next(maximum: portion)
                do {
                    guard case .more = try await attempt(claim, key, tried, failures) else { return }
                    (conflicts, failures) = (0, [:])
                } catch let error as PostgresError where error.isUniqueViolation && conflicts < configuration.conflicts
                {
                    conflicts += 1
                } catch  where !Self.isEnd(error) && (error as? PostgresError)?.isRetriable != true {
                    guard tried.count == 1, let id = tried[0].content.message?.envelope.id, failures.isEmpty else {
                        if tried.count == 1 { throw error }
                        portion = tried.count / 2
                        continue
                    }
                    failures = [id: Trouble(.failed, "\(error)")]
                }
            } catch {
                return log.warning(
                    "a parked message could not be tried, will be tried again",
                    ["topic": .text(claim.topic), "orderId": .uuid(claim.orderID), "error": .error(error)])
            }
        }
    }

    /// The oldest messages of the key; nil when somebody else has taken them.
    private func load(_ claim: ParkedClaim, limit: Int) async throws -> ParkedKey<ParkedMessage>? {
        let rows = try await unitOfWork.query(ParkingStatements.messages(of: claim, limit: limit), deadline: deadline)
        let messages = try rows.map { try ParkedMessage($0, topic: claim.topic) }
        guard !messages.isEmpty else {
            // A key without messages holds up those to come.
            _ = try await unitOfWork.run(reads: [ParkingStatements.lock(claim)], deadline: deadline) { rows in
                UnitOfWork.Decision(writes: rows[0].isEmpty ? [] : [ParkingStatements.closeIfEmpty(claim)], result: ())
            }
            return nil
        }
        return ParkedKey(messages.map { .init($0, failures: $0.failures) })
    }

    private func attempt(
        _ claim: ParkedClaim, _ key: ParkedKey<ParkedMessage>, _ tried: [ParkedMessage], _ failures: [UUID: Trouble]
    ) async throws -> Step {
        let records = tried.map(\.content)
        let expired = expired(in: records)
        let own = [ParkingStatements.lock(claim), ParkingStatements.newest(of: claim)]
        let (step, statistics) = try await unitOfWork.run(
            reads: transaction.reads(for: records, own: own), deadline: deadline
        ) { rows in
            let (inbox, own, rest) = self.transaction.split(rows, own: 2)
            guard !own[0].isEmpty, let newest = try own[1].first?.optionalInt8(0) else {
                return UnitOfWork.Decision(result: (Step.lost, Statistics()))
            }
            let sorted = try self.transaction.sort(
                records, expired: expired, parked: [], failures: failures, inbox: inbox, rows: rest)
            return self.decision(claim, key, tried, sorted, newest: newest)
        }
        counters.withLock { counters in
            counters.handled += statistics.handled
            counters.deadLettered += statistics.deadLettered
            counters.expired += statistics.expired
        }
        return step
    }

    private func decision(
        _ claim: ParkedClaim, _ key: ParkedKey<ParkedMessage>, _ tried: [ParkedMessage],
        _ sorted: BatchTransaction.Sorted, newest: Int64
    ) -> UnitOfWork.Decision<(Step, Statistics)> {
        var key = key
        var statistics = Statistics()
        statistics.handled = UInt64(sorted.plan.begun.count)
        statistics.expired = UInt64(sorted.expired)
        var decision = UnitOfWork.Decision(
            writes: sorted.writes, outgoing: sorted.outgoing, afterCommit: sorted.afterCommit,
            result: (Step.more, statistics))
        let failed = Self.failed(sorted, among: tried)
        let done = tried.prefix(failed?.place ?? tried.count)
        key.succeeded(done.count)
        let letters = done.compactMap(\.letter)
        if !letters.isEmpty { decision.writes.append(DeadLetter.resolve(letters)) }
        var gone = done.last?.place
        if let failed {
            let message = tried[failed.place]
            switch key.failed(configuration.parking, spread: claim.orderID.spread) {
            case .wait(let wait):
                decision.writes += gone.map { [ParkingStatements.remove(of: claim, upTo: $0)] } ?? []
                decision.writes += [
                    ParkingStatements.note(
                        failed.trouble, failures: key.entries.first?.failures ?? 1, at: message.place, of: claim),
                    ParkingStatements.postpone(claim, by: wait),
                ]
                decision.result.0 = .rest
                return decision
            case .giveUp(let entry):
                giveUp(entry, failed.trouble, claim, &decision)
                gone = message.place
            }
        }
        if let gone { decision.writes.append(ParkingStatements.remove(of: claim, upTo: gone)) }
        // The key is locked: nobody has added anything since the newest was looked up.
        guard gone == newest else {
            decision.writes.append(ParkingStatements.postpone(claim, by: configuration.lease))
            return decision
        }
        decision.writes.append(ParkingStatements.close(claim))
        decision.result.0 = .rest
        return decision
    }

    private func giveUp(
        _ entry: ParkedKey<ParkedMessage>.Entry, _ trouble: Trouble, _ claim: ParkedClaim,
        _ decision: inout UnitOfWork.Decision<(Step, Statistics)>
    ) {
        let message = entry.message
        decision.writes.append(
            DeadLetter.bury(
                at: message.place, of: claim, id: messages.newID(at: messages.wallNow), trouble,
                attempts: entry.failures))
        decision.outgoing += [
            KeptRecord(message.content).publication(
                trouble, attempts: entry.failures, firstSeen: message.firstSeen, by: messages)
        ].compactMap { $0 }
        decision.result.1.deadLettered += 1
        let before = decision.afterCommit
        decision.afterCommit = { [log] in
            before?()
            log.error(
                "a message became a dead letter",
                ["topic": .text(claim.topic), "orderId": .uuid(claim.orderID), "reason": .text(trouble.detail)])
        }
    }

    /// The first of the tried messages that could not be handled.
    private static func failed(
        _ sorted: BatchTransaction.Sorted, among tried: [ParkedMessage]
    ) -> (place: Int, trouble: Trouble)? {
        guard let place = sorted.plan.waiting.first, let trouble = sorted.troubles[place] else { return nil }
        // Not by where it lay: a broker that lost its log gives the same offsets to other messages.
        let identity = KeptRecord(sorted.fresh[place]).identity
        return tried.firstIndex { KeptRecord($0.content).identity == identity }.map { ($0, trouble) }
    }
}
