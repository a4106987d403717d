import Clocks

/// What a request to carry something came to.
enum BookingOutcome: Hashable, Sendable {
    case made(Booking)
    /// The key was used for the same request before.
    case known(Booking)
    case keyReused
    /// The key was cancelled before.
    case cancelledBefore
    case ledgerFull
}

/// What a cancellation came to.
enum CancellationOutcome: Hashable, Sendable {
    /// The booking, which will not be dispatched.
    case done(Booking)
    case alreadyDispatched(Booking.Status)
    case ledgerFull
}

/// What handing over came to.
enum ConfirmationOutcome: Hashable, Sendable {
    case done(Booking)
    case unknown
    /// It is cancelled or was refused.
    case notBooked(Booking.Status)
}

extension Ledger {
    /// Books once, however often it is asked under one key.
    mutating func book(_ order: BookingOrder, at now: Timestamp, random: any RandomSource) -> BookingOutcome {
        if let known = bookings[order.key] {
            guard let fingerprint = known.fingerprint else { return .cancelledBefore }
            guard fingerprint == order.fingerprint else { return .keyReused }
            commit(.duplicate(.booking))
            return .known(known)
        }
        guard !isFull else { return .ledgerFull }
        let isServed = !BookingOrder.countriesNotServed.contains(order.country)
        let booking = Booking(
            id: "bk_\(UUID.version7(at: now, random: random))", key: order.key, status: isServed ? .booked : .refused,
            reference: order.reference, fingerprint: order.fingerprint, createdAt: now, updatedAt: now)
        commit(.booking(booking))
        return .made(booking)
    }

    /// Sees to it that the booking is never dispatched, if it was not yet.
    mutating func cancel(_ key: String, at now: Timestamp, random: any RandomSource) -> CancellationOutcome {
        guard var booking = bookings[key] else {
            guard !isFull else { return .ledgerFull }
            let tombstone = Booking(
                id: "bk_\(UUID.version7(at: now, random: random))", key: key, status: .cancelled, reference: nil,
                fingerprint: nil, createdAt: now, updatedAt: now)
            commit(.booking(tombstone))
            announce(tombstone, at: now, random: random)
            return .done(tombstone)
        }
        switch booking.status {
        case .refused, .cancelled: return .done(booking)
        case .dispatched, .delivered: return .alreadyDispatched(booking.status)
        case .booked:
            booking.move(to: .cancelled, at: now)
            commit(.booking(booking))
            announce(booking, at: now, random: random)
            return .done(booking)
        }
    }

    /// Hands the parcel over: from now on it is dispatched and delivered by itself.
    mutating func confirm(_ key: String, at now: Timestamp) -> ConfirmationOutcome {
        guard var booking = bookings[key] else { return .unknown }
        switch booking.status {
        case .refused, .cancelled: return .notBooked(booking.status)
        case .dispatched, .delivered: return .done(booking)
        case .booked:
            guard !booking.isConfirmed else { return .done(booking) }
            booking.dispatchAt = now.advanced(by: rules.dispatchDelay)
            booking.deliverAt = now.advanced(by: max(rules.dispatchDelay, rules.deliverDelay))
            booking.updatedAt = now
            commit(.booking(booking))
            return .done(booking)
        }
    }
}
