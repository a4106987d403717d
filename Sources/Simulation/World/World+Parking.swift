import Clocks
import Messaging

/// What is tried next of a key that was claimed.
struct ParkedTry {
    var claim: (key: ParkingTables.Key, number: Int)
    /// How many followers are tried together.
    var portion: Int
}

/// Parked messages are tried again, as `MessageProcessor+Parking` does it, with the real `ParkedKey`.
extension World {
    static let parkingLease = Int64.seconds(15)

    func planParked(_ service: SimulatedService) {
        guard let next = messages[service.rawValue].parking.nextDue else { return }
        for replica in replicas where replica.service == service && replica.isUp {
            if let planned = replica.parkedAt, planned <= max(next, now) { continue }
            let at = max(next, now) + withRandom(of: replica.id) { $0.within(1000...200_000) }
            replicas[replica.id].parkedAt = at
            push(.parked(nil), of: replica.id, after: at - now)
        }
    }

    func parked(_ step: ParkedTry?, _ replica: Int) {
        if let step { return attempt(step, replica) }
        guard let planned = replicas[replica].parkedAt, planned <= now else { return }
        replicas[replica].parkedAt = nil
        let service = replicas[replica].service
        var claim: (key: ParkingTables.Key, number: Int)?
        let ran = commit(replica) {
            claim = messages[service.rawValue].parking.claim(now, lease: Self.parkingLease)
        }
        guard ran != .died else { return }
        if ran == .committed, let claim {
            push(.parked(ParkedTry(claim: claim, portion: plan.batchLimit)), of: replica, after: databaseDelay(replica))
        }
        planParked(service)
    }

    private func attempt(_ step: ParkedTry, _ replica: Int) {
        let service = replicas[replica].service
        guard let row = messages[service.rawValue].parking.keys[step.claim.key], row.claims == step.claim.number else {
            return  // somebody else has it
        }
        let key = ParkedKey(row.messages.map { ParkedKey.Entry($0, failures: $0.failures) })
        let tried = key.next(maximum: step.portion)
        let isBad = tried.contains { isPoisonous($0.record, for: service) }
        if isBad, tried.count > 1 {
            var less = step
            less.portion = tried.count / 2
            return push(.parked(less), of: replica, after: databaseDelay(replica))
        }
        let records = tried.map(\.record)
        let batch = Batch(
            records, topic: step.claim.key.topic,
            expired: expired(in: records, topic: step.claim.key.topic, replica),
            failed: isBad ? Set(records.map(\.envelope.id)) : [], claim: step.claim)
        let end = transact(batch, replica) { waiting in
            conclude(step.claim.key, key, tried, waiting, replica)
        }
        // What could not be written down is due again when the claim ends.
        guard end.ran == .committed else { return }
        if messages[service.rawValue].parking.keys[step.claim.key]?.claims == step.claim.number {
            push(.parked(step), of: replica, after: databaseDelay(replica))
        }
        planParked(service)
    }

    /// What a try does to the key.
    private func conclude(
        _ name: ParkingTables.Key, _ before: ParkedKey<ParkingTables.Message>, _ tried: [ParkingTables.Message],
        _ waiting: Record?, _ replica: Int
    ) {
        let service = replicas[replica].service.rawValue
        var key = before
        let failed = waiting.flatMap { record in tried.firstIndex { $0.record.envelope.id == record.envelope.id } }
        let done = tried.prefix(failed ?? tried.count)
        key.succeeded(done.count)
        var gone = done.last?.place
        guard let failed else {
            return messages[service].parking.remove(name, upTo: gone, due: now + Self.parkingLease)
        }
        switch key.failed(rules, spread: 0.5) {
        case .wait(let wait):
            // Who waits is tried under a new claim.
            messages[service].parking.remove(
                name, upTo: gone, due: now + wait.wholeNanoseconds / 1000, failures: key.entries.first?.failures)
            messages[service].parking.release(name)
        case .giveUp(let entry):
            gone = tried[failed].place
            note(replicas[replica].name, "keeps \(describe(entry.message.record.envelope)) as a dead letter")
            saw(.deadLetter)
            messages[service].parking.bury(entry.message, of: name)
            messages[service].parking.remove(name, upTo: gone, due: now + Self.parkingLease)
        }
    }
}
