import Clocks
import Contracts

/// The payments that a batch of commands touches, and what the commands do to them.
struct PaymentLedger: Sendable {
    /// What a command came to.
    enum Outcome: Hashable, Sendable {
        /// The money is here; `isNew` when this command did it.
        case captured(isNew: Bool)
        case declined(isNew: Bool)
        /// The provider is asked; the reply comes when it has answered.
        case pending
        /// The money went back; `isNew` when this command did it.
        case refunded(isNew: Bool)
        case nothingToUndo
        /// The charge came after its refund: it does nothing.
        case voided
    }

    private var payments: [UUID: Payment]
    private var voided: Set<UUID>

    /// The orders whose payment is new.
    private(set) var created: [UUID] = []
    /// The orders whose payment has changed.
    private(set) var changed: Set<UUID> = []
    /// Orders whose compensation came first.
    private(set) var newlyVoided: [UUID] = []

    /// - Parameter payments: by order.
    init(payments: [UUID: Payment], voided: Set<UUID>) {
        self.payments = payments
        self.voided = voided
    }

    func payment(of orderID: UUID) -> Payment? { payments[orderID] }

    /// Charges the order once, however often it is asked.
    mutating func charge(_ payment: Payment, provider: some PaymentProvider, now: Timestamp) -> Outcome {
        if var existing = payments[payment.orderID] {
            switch existing.status {
            case .captured: return .captured(isNew: false)
            case .declined: return .declined(isNew: false)
            case .refunded: return .voided
            case .pending, .inDoubt:
                existing.chargeCommand = payment.chargeCommand
                store(existing)
                return .pending
            }
        }
        guard !voided.contains(payment.orderID) else { return .voided }
        var fresh = payment
        let outcome: Outcome
        switch provider.immediateAnswer(to: payment) {
        case .captured(let reference):
            fresh.attempts = 1
            fresh.capture(reference: reference)
            fresh.chargeCommand = nil
            outcome = .captured(isNew: true)
        case .declined:
            fresh.attempts = 1
            fresh.decline()
            fresh.chargeCommand = nil
            outcome = .declined(isNew: true)
        case .unavailable, nil:
            fresh.dueAt = now
            outcome = .pending
        }
        payments[payment.orderID] = fresh
        created.append(payment.orderID)
        return outcome
    }

    /// Gives back what was taken; without a charge, makes sure that none can come later.
    mutating func refund(_ orderID: UUID, command: UUID) -> Outcome {
        guard var payment = payments[orderID] else {
            if voided.insert(orderID).inserted { newlyVoided.append(orderID) }
            return .nothingToUndo
        }
        switch payment.status {
        case .refunded: return .refunded(isNew: false)
        case .declined: return .nothingToUndo
        case .captured:
            payment.refund()
            store(payment)
            return .refunded(isNew: true)
        case .pending, .inDoubt:
            // Decided when the provider has answered: what it took then goes back at once.
            payment.refundCommand = command
            store(payment)
            return .pending
        }
    }

    private mutating func store(_ payment: Payment) {
        payments[payment.orderID] = payment
        if !created.contains(payment.orderID) { changed.insert(payment.orderID) }
    }
}
