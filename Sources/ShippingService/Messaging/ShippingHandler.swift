import Clocks
import Contracts
import Messaging
import Postgres

/// Handles the saga's commands to shipping-service and the news that an order is confirmed.
struct ShippingHandler: MessageHandler {
    private let carrier: any Carrier
    private let messages: MessageFactory
    private let shipmentsWaiting: @Sendable () -> Void

    /// - Parameter shipmentsWaiting: called after a commit that set due times.
    init(carrier: any Carrier, messages: MessageFactory, shipmentsWaiting: @escaping @Sendable () -> Void) {
        self.carrier = carrier
        self.messages = messages
        self.shipmentsWaiting = shipmentsWaiting
    }

    /// Of the facts about orders, only the confirmation is shipping's business.
    func concerns(_ message: IncomingMessage) -> Bool {
        message.origin.topic != Topic.orderEvents.rawValue || message.envelope.type == MessageType.orderConfirmed
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
        for message in batch {
            let envelope = message.envelope
            switch envelope.type {
            case MessageType.bookShipment:
                do {
                    let command = try BookShipment(decoding: envelope.payload)
                    ledger.book(shipment(command, of: message), carrier: carrier)
                } catch {
                    handled.refused[envelope.id] = "\(error)"
                }
            case MessageType.cancelShipment:
                ledger.cancel(envelope.orderID, command: envelope.id, carrier: carrier)
            case MessageType.orderConfirmed:
                ledger.confirm(envelope.orderID, cause: envelope.id, carrier: carrier)
            case let type:
                handled.refused[envelope.id] = "shipping-service does not know the command \(type)"
            }
        }
        for (command, status) in ledger.conflicts {
            handled.refused[command] = "cancel-shipment met a shipment that is \(status.rawValue)"
        }
        handled.writes = ShipmentStatements.write(ledger)
        say(ledger, about: batch, in: &handled)
        if ledger.hasDueTimes { handled.afterCommit = shipmentsWaiting }
        return handled
    }

    private func shipment(_ command: BookShipment, of message: IncomingMessage) -> Shipment {
        Shipment(id: messages.newID(at: messages.wallNow), booking: command, askedBy: message.envelope.id)
    }

    /// Replies and events, each following the message it belongs to. A command that was handled earlier gets its reply
    /// into the inbox, for its repeats.
    private func say(_ ledger: ShipmentLedger, about batch: [IncomingMessage], in handled: inout HandledBatch) {
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
            let fact = OrderFact(orderID: event.orderID, at: messages.wallNow)
            handled.outgoing.append(
                messages.event(fact, type: event.type, to: .shippingEvents, following: envelopes[event.cause]))
        }
    }
}
