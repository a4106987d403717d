import Clocks
import Contracts
import Messaging
import Postgres

/// Handles the saga's commands to shipping-service and the news that an order is confirmed.
struct ShippingHandler: MessageHandler {
    private let carrier: any Carrier
    private let messages: MessageFactory
    private let dispatchesWaiting: @Sendable () -> Void

    /// - Parameter dispatchesWaiting: called after a commit that set due times.
    init(carrier: any Carrier, messages: MessageFactory, dispatchesWaiting: @escaping @Sendable () -> Void) {
        self.carrier = carrier
        self.messages = messages
        self.dispatchesWaiting = dispatchesWaiting
    }

    func reads(for batch: [IncomingMessage]) -> [Statement] {
        let orders = Set(batch.map(\.envelope.orderID)).sorted()
        return [ShipmentStatements.lock(orders: orders), ShipmentStatements.voided(among: orders)]
    }

    func handle(_ batch: [IncomingMessage], rows: [Rows]) throws -> HandledBatch {
        var ledger = ShipmentLedger(
            shipments: try ShipmentStatements.shipmentsByOrder(rows[0]),
            voided: Set(try rows[1].map { try $0.uuid(0) }))
        var handled = HandledBatch()
        var hasDueTimes = false
        for message in batch {
            let envelope = message.envelope
            switch envelope.type {
            case MessageType.bookShipment:
                do {
                    book(try BookShipment(decoding: envelope.payload), of: message, in: &ledger, handled: &handled)
                } catch {
                    handled.refused[envelope.id] = "\(error)"
                }
            case MessageType.cancelShipment: cancel(message, in: &ledger, handled: &handled)
            case MessageType.orderConfirmed:
                ledger.confirm(envelope.orderID, carrier: carrier)
                hasDueTimes = true
            case let type where message.origin.topic == Topic.shippingCommands.rawValue:
                handled.refused[envelope.id] = "shipping-service does not know the command \(type)"
            default: break  // other facts about orders are none of shipping's business
            }
        }
        handled.writes = ShipmentStatements.write(ledger, now: messages.wallNow)
        if hasDueTimes { handled.afterCommit = dispatchesWaiting }
        return handled
    }

    private func book(
        _ command: BookShipment, of message: IncomingMessage, in ledger: inout ShipmentLedger,
        handled: inout HandledBatch
    ) {
        let now = messages.wallNow
        let outcome = ledger.book(
            messages.newID(at: now), orderID: message.envelope.orderID, shipTo: command.shipTo, lines: command.lines,
            carrier: carrier, now: now)
        switch outcome {
        case .booked: answer(BookShipment.name, .succeeded, to: message, in: &handled)
        case .refused: answer(BookShipment.name, .failed, reason: .shippingUnavailable, to: message, in: &handled)
        case .voided, .cancelled, .nothingToUndo, .conflict:
            answer(BookShipment.name, .failed, reason: .timedOut, to: message, in: &handled)
        }
    }

    private func cancel(_ message: IncomingMessage, in ledger: inout ShipmentLedger, handled: inout HandledBatch) {
        switch ledger.cancel(message.envelope.orderID) {
        case .cancelled(let isNew):
            answer(CancelShipment.name, .succeeded, to: message, in: &handled)
            if isNew {
                let fact = OrderFact(orderID: message.envelope.orderID, at: messages.wallNow)
                handled.outgoing.append(
                    messages.event(
                        fact, type: MessageType.shipmentCancelled, to: .shippingEvents, following: message.envelope))
            }
        case .conflict(let status):
            handled.refused[message.envelope.id] = "cancel-shipment met a shipment that is \(status.rawValue)"
        case .nothingToUndo, .voided, .booked, .refused:
            answer(CancelShipment.name, .nothingToUndo, to: message, in: &handled)
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
}
