import Clocks

/// A parcel that was booked under one of the caller's keys, and how far it got; or the tombstone of a key that was
/// cancelled before any booking came.
struct Booking: Hashable, Sendable {
    /// - `booked`: waits to be handed over, or for its dispatch; leaves to `cancelled` or `dispatched`.
    /// - `refused`: the carrier does not go there; final.
    /// - `cancelled`: will never be dispatched; final.
    /// - `dispatched`: on its way; leaves to `delivered`.
    /// - `delivered`: final.
    enum Status: String, CaseIterable, Sendable {
        case booked, refused, cancelled, dispatched, delivered
    }

    let id: String
    let key: String
    var status: Status
    /// Nil for a tombstone.
    let reference: String?
    /// The digest of the request that made it; nil for a tombstone.
    let fingerprint: [UInt8]?
    let createdAt: Timestamp
    var updatedAt: Timestamp
    /// Set by the first confirmation, both at once.
    var dispatchAt: Timestamp?
    var deliverAt: Timestamp?

    var isTombstone: Bool { fingerprint == nil }
    var isConfirmed: Bool { dispatchAt != nil }
    var reason: String? { status == .refused ? "destination-not-served" : nil }

    /// When it moves on by itself; nil when it does not.
    var dueAt: Timestamp? {
        switch status {
        case .booked: dispatchAt
        case .dispatched: deliverAt
        case .refused, .cancelled, .delivered: nil
        }
    }

    mutating func move(to status: Status, at now: Timestamp) {
        self.status = status
        updatedAt = now
    }
}

/// A request to carry something.
struct BookingOrder: Hashable, Sendable {
    var key: String
    /// ISO 3166-1 alpha-2.
    var country: String
    var reference: String
    var fingerprint: [UInt8]

    /// Where this carrier does not go.
    static let countriesNotServed: Set<String> = ["AQ"]
}
