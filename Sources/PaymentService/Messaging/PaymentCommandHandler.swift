import Clocks
import Contracts
import Messaging
import Postgres

/// Handles the saga's commands to payment-service: a batch of them is one look at the payments and one write.
///
/// What the provider answers at once is decided here; what needs a call is written as `pending`, and ``OpenCharges``
/// carries on after the commit.
struct PaymentCommandHandler: MessageHandler {
    private enum PaymentCommand {
        case charge(ChargePayment)
        case refund
    }

    private let provider: any PaymentProvider
    private let messages: MessageFactory
    private let chargesWaiting: @Sendable () -> Void

    /// - Parameter chargesWaiting: called after a commit that left charges for the provider.
    init(
        provider: any PaymentProvider, messages: MessageFactory, chargesWaiting: @escaping @Sendable () -> Void
    ) {
        self.provider = provider
        self.messages = messages
        self.chargesWaiting = chargesWaiting
    }

    func reads(for batch: [IncomingMessage]) -> [Statement] {
        let orders = Set(batch.map(\.envelope.orderID)).sorted()
        return [PaymentStatements.lock(orders: orders), PaymentStatements.voided(among: orders)]
    }

    func handle(_ batch: [IncomingMessage], rows: [Rows]) throws -> HandledBatch {
        var ledger = PaymentLedger(
            payments: try PaymentStatements.paymentsByOrder(rows[0]),
            voided: Set(try rows[1].map { try $0.uuid(0) }))
        var handled = HandledBatch()
        var needsProvider = false
        for message in batch {
            do {
                switch try decode(message) {
                case .charge(let command):
                    needsProvider = charge(command, of: message, in: &ledger, handled: &handled) || needsProvider
                case .refund:
                    refund(message, in: &ledger, handled: &handled)
                }
            } catch {
                handled.refused[message.envelope.id] = "\(error)"
            }
        }
        handled.writes = PaymentStatements.write(ledger, now: messages.wallNow)
        if needsProvider { handled.afterCommit = chargesWaiting }
        return handled
    }

    private func decode(_ message: IncomingMessage) throws(ContractError) -> PaymentCommand {
        let envelope = message.envelope
        switch envelope.type {
        case MessageType.chargePayment: return .charge(try ChargePayment(decoding: envelope.payload))
        case MessageType.refundPayment: return .refund
        default: throw ContractError(type: envelope.type, detail: "payment-service does not know this command")
        }
    }

    /// Answers whether the provider has to be called.
    private func charge(
        _ command: ChargePayment, of message: IncomingMessage, in ledger: inout PaymentLedger,
        handled: inout HandledBatch
    ) -> Bool {
        let now = messages.wallNow
        let payment = Payment(
            id: messages.newID(at: now), orderID: message.envelope.orderID, status: .pending, amount: command.amount,
            captured: 0, refunded: 0, token: command.token, providerReference: nil, attempts: 0, reason: nil,
            chargeCommand: message.envelope.id, refundCommand: nil, dueAt: nil)
        let outcome = ledger.charge(payment, provider: provider, now: now)
        switch outcome {
        case .pending: return true
        case .captured(let isNew):
            answer(ChargePayment.name, .succeeded, to: message, in: &handled)
            if isNew {
                say(MessageType.paymentCaptured, amount: command.amount, after: message, in: &handled)
            }
        case .declined(let isNew):
            answer(ChargePayment.name, .failed, reason: .paymentDeclined, to: message, in: &handled)
            if isNew {
                say(MessageType.paymentDeclined, reason: .paymentDeclined, after: message, in: &handled)
            }
        case .voided, .refunded, .nothingToUndo:
            answer(ChargePayment.name, .failed, reason: .timedOut, to: message, in: &handled)
        }
        return false
    }

    private func refund(_ message: IncomingMessage, in ledger: inout PaymentLedger, handled: inout HandledBatch) {
        let orderID = message.envelope.orderID
        switch ledger.refund(orderID, command: message.envelope.id) {
        case .pending: break
        case .refunded(let isNew):
            answer(RefundPayment.name, .succeeded, to: message, in: &handled)
            if isNew, let payment = ledger.payment(of: orderID) {
                say(MessageType.paymentRefunded, amount: payment.amount, after: message, in: &handled)
            }
        case .nothingToUndo, .voided, .captured, .declined:
            answer(RefundPayment.name, .nothingToUndo, to: message, in: &handled)
        }
    }

    private func answer(
        _ command: String, _ outcome: CommandReply.Outcome, reason: Reason? = nil, to message: IncomingMessage,
        in handled: inout HandledBatch
    ) {
        let reply = CommandReply(
            orderID: message.envelope.orderID, command: command, outcome: outcome, reason: reason)
        handled.replies[message.envelope.id] = messages.reply(reply, to: message.envelope)
    }

    private func say(
        _ type: String, amount: Money? = nil, reason: Reason? = nil, after message: IncomingMessage,
        in handled: inout HandledBatch
    ) {
        let fact = OrderFact(
            orderID: message.envelope.orderID, reason: reason, amount: amount, at: messages.wallNow)
        handled.outgoing.append(messages.event(fact, type: type, to: .paymentEvents, following: message.envelope))
    }
}
