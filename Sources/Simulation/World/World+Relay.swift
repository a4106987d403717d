import Clocks
import Defects
import Messaging

/// The relay's shell, as `OutboxRelay` is: what `RelayState` has to publish is published, deleted, and looked for.
extension World {
    static let sweepInterval = Int64.seconds(1)
    /// Own rows that memory does not have are published after this age.
    static let ownRowAge = Int64.seconds(3)

    func planSend(_ replica: Int, after wait: Int64) {
        guard !replicas[replica].isSending, replicas[replica].relay.canSend else { return }
        replicas[replica].isSending = true
        push(.send, of: replica, after: wait)
    }

    func send(_ replica: Int) {
        let rows = replicas[replica].relay.takeBatch(maximum: plan.publishLimit)
        guard !rows.isEmpty else {
            replicas[replica].isSending = false
            return
        }
        push(
            .published(replica: replica, incarnation: replicas[replica].incarnation, rows),
            after: networkDelay(replica))
    }

    /// A batch reaches the broker, whatever has become of who sent it.
    func receive(_ rows: [OutboxRow], from replica: Int, _ incarnation: Int) {
        let isAway = faults.isBrokerAway(now)
        let answers = rows.map { row in
            guard !isAway else { return false }
            switch now < Plan.healed ? withRandom(.broker, { faults.mishap(now, &$0) }) : nil {
            case nil: append(row.message)
            case .lost: noteLost(row.message)
            case .repeated:
                append(row.message)
                push(.append(row.message), after: withRandom(.broker) { $0.skewed(0...Int64.seconds(20)) })
            case .delayed: push(.append(row.message), after: withRandom(.broker) { $0.skewed(0...Int64.seconds(40)) })
            case .unacknowledged:
                append(row.message)
                return false
            case .refused: return false
            }
            return true
        }
        // The producer gives a batch up after its delivery timeout.
        push(
            .step(replica: replica, incarnation: incarnation, .acknowledged(answers)),
            after: isAway ? .seconds(5) : networkDelay(replica))
    }

    private func noteLost(_ message: OutgoingMessage) {
        guard Broker.topicIndex(message.topic) != nil else { return }
        note("broker", "loses \(describe(message.envelope))")
    }

    func append(_ message: OutgoingMessage) {
        guard !faults.isBrokerAway(now), let place = broker.append(message) else { return }
        note("broker", "has \(describe(message.envelope))")
        let reader = Broker.topics[broker.topicIndex(of: place)].reader
        for replica in replicas where replica.service == reader && replica.isUp {
            if replica.positions.contains(where: { $0.place == place }) { planPoll(replica.id) }
        }
    }

    func acknowledged(_ replica: Int, _ answers: [Bool]) {
        guard passes(replica) else { return }
        replicas[replica].relay.finishBatch(acknowledged: answers)
        replicas[replica].isSending = false
        planDelete(replica, after: 0)
        planSend(replica, after: answers.contains(false) ? .milliseconds(200) : 0)
        if replicas[replica].relay.isBehind { planSweep(replica, after: 0) }
    }

    private func planDelete(_ replica: Int, after wait: Int64) {
        guard !replicas[replica].isDeleting, replicas[replica].relay.publishedCount > 0 else { return }
        replicas[replica].isDeleting = true
        push(.delete, of: replica, after: wait + databaseDelay(replica))
    }

    func delete(_ replica: Int) {
        let service = replicas[replica].service.rawValue
        let batches = replicas[replica].relay.takePublished()
        let ran = commit(replica) { messages[service].delete(batches) }
        guard ran != .died else { return }
        replicas[replica].isDeleting = false
        if ran == .committed {
            replicas[replica].relay.forget(batches)
        } else {
            replicas[replica].relay.keep(batches)
        }
        planDelete(replica, after: ran == .committed ? 0 : .milliseconds(100))
    }

    // MARK: Sweep

    func planSweeps(_ service: SimulatedService) {
        for replica in replicas where replica.service == service && replica.isUp {
            planSweep(replica.id, after: Self.sweepInterval)
        }
    }

    func planSweep(_ replica: Int, after wait: Int64) {
        guard !replicas[replica].isSweepPlanned else { return }
        replicas[replica].isSweepPlanned = true
        push(.sweep, of: replica, after: wait + 10_000)
    }

    func sweep(_ replica: Int) {
        replicas[replica].isSweepPlanned = false
        let service = replicas[replica].service
        let owner = replicas[replica].owner
        var end = TransactionEnd.committed
        if now < Plan.healed { end = withRandom(of: replica) { faults.transaction(service, now, &$0) } }
        if end == .committed {
            releaseHeld(replica)
            readBackOwn(replica)
            for gone in messages[service.rawValue].otherOwners(than: owner) where !isAlive(gone) {
                guard takeOver(from: gone, by: replica) else { return }
            }
        }
        guard !messages[service.rawValue].outbox.isEmpty else { return }
        planSweep(replica, after: replicas[replica].relay.heldOrders.isEmpty ? Self.sweepInterval : 20_000)
    }

    private func releaseHeld(_ replica: Int) {
        // Sorted: the order of a dictionary is not the same in every run.
        let held = replicas[replica].relay.newestHeld.sorted { $0.orderID < $1.orderID }
        guard !held.isEmpty else { return }
        saw(.heldRows)
        let foreign = messages[replicas[replica].service.rawValue].oldestForeign(
            before: held, owner: replicas[replica].owner)
        replicas[replica].relay.release(upTo: held, before: foreign)
        planSend(replica, after: 0)
    }

    /// Looks into the table; what it says is taken in a moment later, and what is committed meanwhile has to go behind it.
    private func readBackOwn(_ replica: Int) {
        let relay = replicas[replica].relay
        let limit = max(1, plan.relayMemory / 2)
        guard relay.hasRoomToReadBack, !replicas[replica].isReadingBack else { return }
        let (isBehind, owner) = (relay.isBehind, replicas[replica].owner)
        let orders = Set(replicas[replica].relay.beginReadingBack(at: monotonicNow))
        if isBehind { saw(.fullMemory) }
        let tables = messages[replicas[replica].service.rawValue]
        var rows = tables.ownRows(owner, createdBefore: isBehind ? now : now - Self.ownRowAge, limit: limit)
        if !orders.isEmpty { rows = Array(Set(rows).union(tables.ownRows(owner, of: orders))) }
        rows.sort { $0.position.sequence < $1.position.sequence }
        replicas[replica].isReadingBack = true
        push(
            .hasRead(rows, isComplete: rows.count < limit, wasBehind: isBehind), of: replica,
            after: databaseDelay(replica))
    }

    func hasRead(_ replica: Int, _ rows: [OutboxRow], isComplete: Bool, wasBehind: Bool) {
        replicas[replica].isReadingBack = false
        let service = replicas[replica].service
        if now < Plan.healed, withRandom(of: replica, { faults.transaction(service, now, &$0) }) != .committed {
            replicas[replica].relay.failReadingBack(wasBehind: wasBehind)
        } else {
            replicas[replica].relay.addReadBack(rows, isComplete: isComplete)
        }
        planSend(replica, after: 0)
        if !messages[service.rawValue].outbox.isEmpty { planSweep(replica, after: Self.sweepInterval) }
    }

    var monotonicNow: MonotonicInstant { MonotonicInstant(nanoseconds: now * 1000) }

    /// Answers whether the process lives on.
    private func takeOver(from gone: Int64, by replica: Int) -> Bool {
        guard !Defect.outboxNotSwept.isOn else { return true }
        let service = replicas[replica].service.rawValue
        var rows: [OutboxRow] = []
        let ran = commit(replica) {
            saw(.takeOver)
            rows = messages[service].takeOver(from: gone, to: replicas[replica].owner)
            note(replicas[replica].name, "takes over \(rows.count) messages of a process that is gone")
        }
        if ran == .committed {
            replicas[replica].relay.addTakenOver(rows)
            planSend(replica, after: 0)
        }
        return ran != .died
    }
}
