import Clocks
import Contracts
import Defects

/// One charge of an order and what became of it.
package struct Payment: Hashable, Sendable {
    /// What customers and operators see. ``PaymentConversation`` moves it.
    ///
    /// - `pending`: the provider has not decided, or was not asked; leaves to any other but `refunded`.
    /// - `inDoubt`: a charge was sent and nobody knows what became of it; leaves to any other.
    /// - `captured`: the money is here; leaves to `refunded`.
    /// - `declined`: no money was taken and none can be; final, unless the provider turns out to have taken some after all.
    /// - `refunded`: the money went back; final.
    package enum Status: String, CaseIterable, Sendable {
        case pending, captured, declined, refunded
        case inDoubt = "in-doubt"
    }

    /// How far the charge has come on its way to the provider.
    ///
    /// - `unsent`: no charge has left, or it certainly did nothing: there is nothing to find out.
    /// - `sent`: a charge may have left, and no answer to it is written down.
    /// - `accepted`: the provider knows of it.
    package enum Standing: String, Sendable {
        case unsent, sent, accepted
    }

    package var id: UUID
    package var orderID: UUID
    package var status: Status
    package var amount: Money
    /// Minor units that were taken; stays after a refund.
    package var captured: Int64 = 0
    /// Minor units that went back.
    package var refunded: Int64 = 0
    /// What the customer pays with: a secret of the provider's, never logged, said or answered.
    package var token: String
    package var providerReference: String?
    /// How often the provider was asked for the money.
    package var attempts = 0
    package var reason: Reason?
    /// The command that asked for the charge and has no reply yet.
    package var chargeCommand: UUID?
    /// The command that asked for the refund and has no reply yet.
    package var refundCommand: UUID?

    package var standing = Standing.unsent
    /// Whether nothing of the charge may stand.
    package var isRefundWanted = false
    /// How often in a row the provider could not bring it further.
    package var postponements = 0
    /// Counts the claims: whoever brings an answer under an older one comes late.
    package var claims: Int64 = 0
    /// Whether it became due again while it was claimed. Read, never written.
    package var isNudged = false
    /// What writing the payment does to its due time.
    package var due = Due.unchanged
}

/// When something is taken up (again), as a change of what the table says: the database's clock makes the time.
package enum Due: Hashable, Sendable {
    /// As it is.
    case unchanged
    /// Nothing is to be done.
    case never
    /// The claim ends, and it is due so much later.
    case after(Duration)
    /// It is due at once; a claim goes on and is told at its end.
    case nudged
    /// It is claimed for so long.
    case claimed(Duration)
}

extension Payment {
    /// The charge of an order, as `command` asks for it.
    package init(id: UUID, charging charge: ChargePayment, askedBy command: UUID) {
        self.init(
            id: id, orderID: charge.orderID, status: .pending, amount: charge.amount, token: charge.token,
            chargeCommand: command)
    }

    /// What the charge is known by to the provider, whatever is asked about it.
    package var providerKey: UUID {
        Defect.doubtRepeated.isOn ? UUID(high: id.high, low: id.low ^ UInt64(attempts)) : id
    }

    /// The provider has taken the money.
    package mutating func capture(reference: String) {
        status = .captured
        standing = .accepted
        captured = amount.amount
        providerReference = reference
        reason = nil
    }

    /// No money was taken, and none can be.
    package mutating func decline(_ reason: Reason) {
        status = .declined
        standing = .accepted
        self.reason = reason
    }

    /// Everything that was taken is back.
    package mutating func refund() {
        status = .refunded
        refunded = captured
    }
}
