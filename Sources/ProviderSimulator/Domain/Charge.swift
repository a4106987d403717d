import Clocks
import Contracts

/// Money that was asked for under one of the caller's keys, and what became of it; or the tombstone of a key that was
/// reversed before any charge came.
struct Charge: Hashable, Sendable {
    /// - `pending`: not decided yet; leaves to `captured` or `reversed`.
    /// - `captured`: the money is taken; leaves to `reversed`.
    /// - `declined`: nothing was taken; final.
    /// - `reversed`: whatever was taken went back, and nothing will be taken; final.
    enum Status: String, CaseIterable, Sendable {
        case pending, captured, declined, reversed
    }

    let id: String
    let key: String
    var status: Status
    /// Nil for a tombstone: nobody ever said how much.
    let amount: Money?
    /// Minor units that were taken, all of `amount` or nothing; stays after a reversal.
    var captured: Int64 = 0
    /// Minor units that went back; never more than `captured`.
    var refunded: Int64 = 0
    let reference: String?
    /// The digest of the request that made it; nil for a tombstone.
    let fingerprint: [UInt8]?
    let createdAt: Timestamp
    var updatedAt: Timestamp
    /// When a pending charge is captured by itself.
    var dueAt: Timestamp?

    var isTombstone: Bool { amount == nil }
    var reason: String? { status == .declined ? "card-declined" : nil }
    /// Minor units that can still go back.
    var remaining: Int64 { captured - refunded }

    mutating func capture(at now: Timestamp) {
        status = .captured
        captured = amount?.amount ?? 0
        updatedAt = now
        dueAt = nil
    }

    mutating func reverse(at now: Timestamp) {
        status = .reversed
        refunded = captured
        updatedAt = now
        dueAt = nil
    }
}

/// A request for money.
struct ChargeOrder: Hashable, Sendable {
    var key: String
    var amount: Money
    var token: String
    var reference: String
    var fingerprint: [UInt8]
}

/// What a token stands for; one that is not listed is declined.
enum TestToken: String, CaseIterable, Sendable {
    case ok = "tok_ok"
    case declined = "tok_declined"
    /// Captured a while later, the answer kept back until then.
    case slow = "tok_slow"
    /// Captured a while later, the answer given at once.
    case pending = "tok_pending"
    /// Refused a few times without effect, then captured.
    case flaky = "tok_flaky"
    /// Captured, the answer lost.
    case lost = "tok_lost"
    /// Captured, the answer an error.
    case failing = "tok_500"

    init(_ token: String) {
        self = TestToken(rawValue: token) ?? .declined
    }
}

/// Money that went back without undoing the whole charge.
struct Refund: Hashable, Sendable {
    let id: String
    let key: String
    /// The charge's key.
    let charge: String
    let amount: Money
    let fingerprint: [UInt8]
    let createdAt: Timestamp
}

/// A request to give back a part of a charge.
struct RefundOrder: Hashable, Sendable {
    var key: String
    var charge: String
    var amount: Money
    var fingerprint: [UInt8]
}
