import Clocks

extension Ledger {
    /// How many things one ``advance(to:random:)`` does at most.
    static let stepLimit = 1000

    /// Does what is due by `now`: pending charges are captured, confirmed bookings dispatched and delivered.
    mutating func advance(to now: Timestamp, random: any RandomSource) {
        for _ in 0..<Self.stepLimit {
            guard let timer = timers.popDue(now) else { return }
            switch timer {
            case .charge(let key): capture(key, at: now, random: random)
            case .booking(let key): moveOn(key, at: now, random: random)
            }
        }
    }

    private mutating func capture(_ key: String, at now: Timestamp, random: any RandomSource) {
        // A timer of a charge that was reversed meanwhile is left over.
        guard var charge = charges[key], charge.status == .pending, let dueAt = charge.dueAt, dueAt <= now
        else { return }
        charge.capture(at: now)
        commit(.charge(charge))
        announce(charge, at: now, random: random)
    }

    private mutating func moveOn(_ key: String, at now: Timestamp, random: any RandomSource) {
        guard var booking = bookings[key], let dueAt = booking.dueAt, dueAt <= now else { return }
        booking.move(to: booking.status == .booked ? .dispatched : .delivered, at: now)
        commit(.booking(booking))
        announce(booking, at: now, random: random)
    }

    // MARK: - Telling

    /// Hands out events that are due, each to one taker: it answers with ``deliveryEnded(_:isDelivered:now:random:)``,
    /// ``postpone(_:until:)`` or ``abandon(_:)``.
    mutating func claimDeliveries(now: Timestamp, limit: Int) -> [WebhookEvent] {
        var claimed: [WebhookEvent] = []
        while claimed.count < limit, let id = deliveries.popDue(now) {
            guard let event = events[id], event.dueAt <= now, inFlight.insert(id).inserted else { continue }
            claimed.append(event)
        }
        return claimed
    }

    /// Takes note of how an attempt ended; true when it was the last one and failed.
    @discardableResult
    mutating func deliveryEnded(
        _ id: String, isDelivered: Bool, now: Timestamp, random: any RandomSource
    ) -> Bool {
        guard let event = events[id] else { return false }
        let failures = event.attempts + 1
        if isDelivered || failures >= rules.webhookAttempts {
            commit(.eventEnded(id: id, isDelivered: isDelivered))
            return !isDelivered
        }
        let dueAt = now.advanced(by: rules.pause(afterFailures: failures, random: random))
        commit(.eventFailed(id: id, attempts: failures, dueAt: dueAt))
        return false
    }

    /// Puts an event off without counting an attempt; it will not be put off again.
    mutating func postpone(_ id: String, until dueAt: Timestamp) {
        reschedule(id, at: dueAt, isPrepared: true)
    }

    /// Gives an event up.
    mutating func abandon(_ id: String) {
        guard events[id] != nil else { return }
        commit(.eventEnded(id: id, isDelivered: false))
    }

    mutating func announce(_ charge: Charge, at now: Timestamp, random: any RandomSource) {
        guard charge.status != .pending, rules.webhookTargets.contains(.payment) else { return }
        let type = "charge.\(charge.status.rawValue)"
        tell(.payment, type, key: charge.key, data: charge, at: now, random: random)
    }

    mutating func announce(_ booking: Booking, at now: Timestamp, random: any RandomSource) {
        guard rules.webhookTargets.contains(.carrier) else { return }
        let type = "booking.\(booking.status.rawValue)"
        tell(.carrier, type, key: booking.key, data: booking, at: now, random: random)
    }
}
