import Clocks
import Contracts

/// One charge of an order and what became of it.
struct Payment: Hashable, Sendable {
    /// - `pending`: the provider has not answered yet; leaves to any other.
    /// - `inDoubt`: the provider may or may not have charged; leaves to `captured` or `declined`.
    /// - `captured`: the money is here; leaves to `refunded`.
    /// - `declined`: the provider refused; final.
    /// - `refunded`: the money went back; final.
    enum Status: String, CaseIterable, Sendable {
        case pending, captured, declined, refunded
        case inDoubt = "in-doubt"
    }

    var id: UUID
    var orderID: UUID
    var status: Status
    var amount: Money
    /// Minor units that were taken; stays after a refund.
    var captured: Int64
    /// Minor units that went back.
    var refunded: Int64
    /// What the customer pays with: a secret of the provider's, never logged, said or answered.
    var token: String
    var providerReference: String?
    /// How often the provider was called.
    var attempts: Int
    var reason: Reason?
    /// The command that asked for the charge and has no reply yet.
    var chargeCommand: UUID?
    /// The refund that waits for the charge to be decided.
    var refundCommand: UUID?
    /// When the provider is called (again); nil when nothing is open.
    var dueAt: Timestamp?
}

extension Payment {
    /// The provider has taken the money.
    mutating func capture(reference: String) {
        status = .captured
        captured = amount.amount
        providerReference = reference
        dueAt = nil
    }

    /// The provider has refused.
    mutating func decline() {
        status = .declined
        reason = .paymentDeclined
        dueAt = nil
    }

    /// Everything that was taken goes back.
    mutating func refund() {
        status = .refunded
        refunded = captured
        dueAt = nil
    }
}
