import Clocks
import Contracts
import Defects

/// The payments that a batch of commands touches, and what the commands do to them.
///
/// What the provider answers at once is decided here; everything else is left due, for ``OpenPayments``.
package struct PaymentLedger: Sendable {
    /// Something that happened to an order's payment, and the command that made it happen.
    package struct Event: Hashable, Sendable {
        package var orderID: UUID
        package var fact: PaymentConversation.Fact
        package var amount: Money
        package var cause: UUID
    }

    private var payments: [UUID: Payment]
    private var voided: Set<UUID>

    /// The orders whose payment is new.
    package private(set) var created: [UUID] = []
    /// The orders whose payment has changed.
    package private(set) var changed: Set<UUID> = []
    /// Orders whose compensation came first.
    package private(set) var newlyVoided: [UUID] = []
    /// The replies there are now, to these commands and to earlier ones.
    package private(set) var replies: [PaymentConversation.Reply] = []
    package private(set) var events: [Event] = []

    /// - Parameter payments: by order.
    package init(payments: [UUID: Payment], voided: Set<UUID>) {
        self.payments = payments
        self.voided = voided
    }

    package func payment(of orderID: UUID) -> Payment? { payments[orderID] }

    /// Whether the provider has to be asked for any of them.
    package var isProviderNeeded: Bool {
        created.contains { payments[$0]?.due == .nudged } || changed.contains { payments[$0]?.due == .nudged }
    }

    /// Charges the order once, however often it is asked; `payment.chargeCommand` asks.
    package mutating func charge(_ payment: Payment, provider: some PaymentProvider) {
        guard let command = payment.chargeCommand else { return }
        if var existing = payments[payment.orderID], !Defect.repeatsNotRecognised.isOn {
            switch existing.status {
            case .captured: reply(to: command, ChargePayment.name, .succeeded, payment.orderID)
            case .declined: reply(to: command, ChargePayment.name, .failed, payment.orderID, existing.reason)
            case .refunded: reply(to: command, ChargePayment.name, .failed, payment.orderID, .timedOut)
            case .pending, .inDoubt:
                existing.chargeCommand = command
                store(existing)
            }
        } else if voided.contains(payment.orderID), !Defect.lateCommandsCarriedOut.isOn {
            reply(to: command, ChargePayment.name, .failed, payment.orderID, .timedOut)
        } else {
            created.append(payment.orderID)
            settle(PaymentConversation(payment), provider: provider, cause: command)
        }
    }

    /// Gives back what was taken; without a charge, makes sure that none can come later.
    package mutating func refund(_ orderID: UUID, command: UUID, provider: some PaymentProvider) {
        guard let payment = payments[orderID] else {
            if voided.insert(orderID).inserted { newlyVoided.append(orderID) }
            return reply(to: command, RefundPayment.name, .nothingToUndo, orderID)
        }
        switch payment.status {
        case .refunded: reply(to: command, RefundPayment.name, .succeeded, orderID)
        case .declined: reply(to: command, RefundPayment.name, .nothingToUndo, orderID)
        case .captured, .pending, .inDoubt:
            var conversation = PaymentConversation(payment)
            conversation.wantRefund(command)
            settle(conversation, provider: provider, cause: command)
        }
    }

    /// Goes on as far as the provider answers at once, and keeps what came of it.
    private mutating func settle(_ start: PaymentConversation, provider: some PaymentProvider, cause: UUID) {
        var conversation = start
        // A call that may be under way is not overtaken: its answer decides.
        if conversation.payment.standing != .sent, let call = conversation.nextCall,
            let answer = provider.immediateAnswer(to: call, for: conversation.payment)
        {
            conversation.begin(call)
            _ = conversation.hear(answer, to: call)
        }
        var payment = conversation.payment
        // What was never claimed has no due time that would have to be taken away.
        payment.due = conversation.nextCall == nil || payment.status == .declined ? .never : .nudged
        store(payment)
        replies += conversation.replies
        events += conversation.facts.map {
            Event(orderID: payment.orderID, fact: $0, amount: payment.amount, cause: cause)
        }
    }

    private mutating func reply(
        to command: UUID, _ name: String, _ outcome: CommandReply.Outcome, _ orderID: UUID, _ reason: Reason? = nil
    ) {
        let reply = CommandReply(orderID: orderID, command: name, outcome: outcome, reason: reason)
        replies.append(PaymentConversation.Reply(command: command, reply: reply))
    }

    private mutating func store(_ payment: Payment) {
        payments[payment.orderID] = payment
        if !created.contains(payment.orderID) { changed.insert(payment.orderID) }
    }
}
