import Clocks
import Contracts
import Defects
import Messaging

/// Messages that are handled in one transaction, or wait.
struct Batch {
    var records: [Record]
    /// The place of their topic among `Broker.topics`.
    var topic: Int
    /// Commands that are not begun because they came too late.
    var expired: Set<UUID> = []
    /// Messages that are known to fail.
    var failed: Set<UUID> = []
    /// The claim under which these parked messages are tried.
    var claim: (key: ParkingTables.Key, number: Int)?

    init(
        _ records: [Record], topic: Int, expired: Set<UUID> = [], failed: Set<UUID> = [],
        claim: (key: ParkingTables.Key, number: Int)? = nil
    ) {
        self.records = records
        self.topic = topic
        self.expired = expired
        self.failed = failed
        self.claim = claim
    }
}

/// As `MessageProcessor` and `BatchTransaction`: what was handled before is answered again, what can be handled is
/// handled, the rest waits.
extension World {
    /// What a batch came to.
    struct BatchEnd {
        var ran: Ran
        /// The replies that there are now.
        var replies: [UUID: [UInt8]] = [:]
    }

    /// One transaction for these messages; `also` is written with them, told the first that has to wait.
    func transact(_ batch: Batch, _ replica: Int, also: (Record?) -> Void = { _ in }) -> BatchEnd {
        let service = replicas[replica].service
        let (fresh, recorded) = separate(batch, service)
        let parked = batch.claim == nil ? parkedOrders(batch, service) : []
        var sorting = ParkingPlan(
            keys: fresh.map(\.envelope.orderID), parked: parked,
            troubled: Set(fresh.indices.filter { batch.failed.contains(fresh[$0].envelope.id) }))
        var end = BatchEnd(ran: .failed, replies: recorded)
        var handled = Handled()
        repeat {
            let begun = sorting.begun.map { fresh[$0] }
            handled = handle(begun, batch, replica)
        } while !handled.refused.isEmpty
            && sorting.refuse(Set(sorting.begun.filter { handled.refused.contains(fresh[$0].envelope.id) }))
        for (id, reply) in handled.replies { end.replies[id] = reply.encoded }
        let ids = Set(batch.records.map(\.envelope.id))
        let answers = batch.records.compactMap { record -> OutgoingMessage? in
            guard ids.contains(record.envelope.id), let payload = end.replies[record.envelope.id] else { return nil }
            return reply(payload, about: record.envelope.orderID, replica)
        }
        let (plan, done) = (sorting, handled)
        let write = { [self] in
            done.apply()
            settle(batch, fresh, plan, done, replica)
            also(plan.waiting.first.map { fresh[$0] })
        }
        if let writes = handled.sagas {
            end.ran = advance(replica, writes, also: write)
        } else {
            end.ran = unitOfWork(replica, outgoing: answers + handled.outgoing, write)
        }
        return end
    }

    /// The messages that were not handled before, each once, and the recorded replies of the others.
    private func separate(_ batch: Batch, _ service: SimulatedService) -> (fresh: [Record], recorded: [UUID: [UInt8]]) {
        var fresh: [Record] = []
        var recorded: [UUID: [UInt8]] = [:]
        var seen: Set<UUID> = []
        for record in batch.records where seen.insert(record.envelope.id).inserted {
            guard service != .order, !Defect.repeatsNotRecognised.isOn,
                let reply = messages[service.rawValue].inbox[record.envelope.id]
            else {
                fresh.append(record)
                continue
            }
            saw(.repeatedMessage)
            if let reply { recorded[record.envelope.id] = reply }
        }
        return (fresh, recorded)
    }

    private func parkedOrders(_ batch: Batch, _ service: SimulatedService) -> Set<UUID> {
        let keys = messages[service.rawValue].parking.keys
        guard !keys.isEmpty else { return [] }
        return Set(batch.records.map(\.envelope.orderID)).filter {
            keys[ParkingTables.Key(topic: batch.topic, order: $0)] != nil
        }
    }

    private func handle(_ begun: [Record], _ batch: Batch, _ replica: Int) -> Handled {
        switch Broker.topics[batch.topic].topic {
        case .sagaReplies:
            var handled = Handled()
            handled.sagas = replies(begun, replica)
            return handled
        case .shippingEvents:
            var handled = Handled()
            handled.apply = { [self] in for record in begun { follow(record) } }
            return handled
        default: return handleCommands(begun, expired: batch.expired, replica)
        }
    }

    /// Writes down what was handled and what has to wait.
    private func settle(
        _ batch: Batch, _ fresh: [Record], _ plan: ParkingPlan, _ handled: Handled, _ replica: Int
    ) {
        let service = replicas[replica].service.rawValue
        for place in plan.begun {
            let record = fresh[place]
            checkOrder(record, batch, service)
            if replicas[replica].service != .order {
                messages[service].inbox[record.envelope.id] = .some(handled.replies[record.envelope.id]?.encoded)
            }
            note(replicas[replica].name, handledNote(record, handled.replies[record.envelope.id]))
        }
        let waiting = Set(plan.waiting.map { fresh[$0].envelope.id })
        let begun = Set(plan.begun.map { fresh[$0].envelope.id })
        let isFresh = Set(fresh.map(\.envelope.id))
        for record in batch.records {
            let id = record.envelope.id
            if waiting.contains(id) { broker.settle(record, .parked) }
            if begun.contains(id) || !isFresh.contains(id) { broker.settle(record, .handled) }
        }
        guard batch.claim == nil else { return }
        let heads = Set(plan.heads)
        for place in plan.waiting {
            let record = fresh[place]
            let key = ParkingTables.Key(topic: batch.topic, order: record.envelope.orderID)
            saw(heads.contains(place) ? .parkedMessage : .parkedFollower)
            note(replicas[replica].name, "parks \(describe(record.envelope))")
            messages[service].parking.park(
                record, in: key, failures: heads.contains(place) ? 1 : 0,
                due: now + rules.wait(after: 1, spread: 0.5).wholeNanoseconds / 1000)
        }
        planParked(replicas[replica].service)
    }

    var rules: ParkingRules { ParkingRules() }

    /// Nobody overtakes a message of its key that waits.
    private func checkOrder(_ record: Record, _ batch: Batch, _ service: Int) {
        let key = ParkingTables.Key(topic: batch.topic, order: record.envelope.orderID)
        guard batch.claim == nil, let first = messages[service].parking.keys[key]?.messages.first else { return }
        fail(
            .nothingDroppedSilently,
            "\(describe(record.envelope)) has overtaken \(describe(first.record.envelope)), which is parked")
    }

    private func handledNote(_ record: Record, _ reply: CommandReply?) -> String {
        let answer = reply.map { "answers \($0.outcome.rawValue)\($0.reason.map { " (\($0.rawValue))" } ?? "")" }
        return "handles \(describe(record.envelope))" + (answer.map { ", \($0)" } ?? "")
    }
}
