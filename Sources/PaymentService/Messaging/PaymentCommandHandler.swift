import Clocks
import Contracts
import Messaging
import Postgres

/// Handles the saga's commands to payment-service: a batch of them is one look at the payments and one write.
///
/// What the provider answers at once is decided here; what needs a call is written as due, and ``OpenPayments`` carries on
/// after the commit.
struct PaymentCommandHandler: MessageHandler {
    private enum PaymentCommand {
        case charge(ChargePayment)
        case refund
    }

    private let provider: any PaymentProvider
    private let messages: MessageFactory
    private let paymentsWaiting: @Sendable () -> Void

    /// - Parameter paymentsWaiting: called after a commit that left payments for the provider.
    init(
        provider: any PaymentProvider, messages: MessageFactory, paymentsWaiting: @escaping @Sendable () -> Void
    ) {
        self.provider = provider
        self.messages = messages
        self.paymentsWaiting = paymentsWaiting
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
        for message in batch {
            do {
                switch try decode(message) {
                case .charge(let command): ledger.charge(payment(command, of: message), provider: provider)
                case .refund:
                    ledger.refund(message.envelope.orderID, command: message.envelope.id, provider: provider)
                }
            } catch {
                handled.refused[message.envelope.id] = "\(error)"
            }
        }
        handled.writes = PaymentStatements.write(ledger, now: messages.wallNow)
        say(ledger, about: batch, in: &handled)
        if ledger.isProviderNeeded { handled.afterCommit = paymentsWaiting }
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

    private func payment(_ command: ChargePayment, of message: IncomingMessage) -> Payment {
        Payment(id: messages.newID(at: messages.wallNow), charging: command, askedBy: message.envelope.id)
    }

    /// Replies and events, each following the command it belongs to. A command that was handled earlier gets its reply
    /// into the inbox, for its repeats.
    private func say(_ ledger: PaymentLedger, about batch: [IncomingMessage], in handled: inout HandledBatch) {
        var envelopes: [UUID: MessageEnvelope] = Dictionary(minimumCapacity: batch.count)
        for message in batch { envelopes[message.envelope.id] = message.envelope }
        var completed: [(id: UUID, reply: [UInt8])] = []
        for reply in ledger.replies {
            let message = messages.reply(reply.reply, to: envelopes[reply.command])
            if envelopes[reply.command] != nil {
                handled.replies[reply.command] = message
            } else {
                completed.append((reply.command, message.envelope.payload))
                handled.outgoing.append(message)
            }
        }
        if !completed.isEmpty { handled.writes.append(Inbox.complete(completed)) }
        for event in ledger.events {
            let fact = OrderFact(
                orderID: event.orderID, reason: event.fact.reason, amount: event.amount, at: messages.wallNow)
            handled.outgoing.append(
                messages.event(fact, type: event.fact.type, to: .paymentEvents, following: envelopes[event.cause]))
        }
    }
}
