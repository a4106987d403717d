import Clocks
import Contracts
import Defects
import InventoryService
import Messaging
import PaymentService
import ShippingService

/// The participants' handlers, as `MessageProcessor` runs them: inbox, decision, state and messages in one transaction.
extension World {
    /// What handling some messages comes to.
    struct Handled {
        /// The reply of each message that has one now.
        var replies: [UUID: CommandReply] = [:]
        var outgoing: [OutgoingMessage] = []
        var refused: Set<UUID> = []
        var apply: () -> Void = {}
        /// What replies do to sagas.
        var sagas: SagaWrites?
    }

    /// Commands, and facts that a participant follows; those that came too late are not begun.
    func handleCommands(_ begun: [Record], expired: Set<UUID>, _ replica: Int) -> Handled {
        let wanted = begun.filter { !expired.contains($0.envelope.id) }
        var handled = wanted.isEmpty ? Handled() : handle(wanted, replicas[replica].service, replica)
        for record in begun where expired.contains(record.envelope.id) {
            let name = MessageType.commandName(of: record.envelope.type) ?? record.envelope.type
            handled.replies[record.envelope.id] = CommandReply(
                orderID: record.envelope.orderID, command: name, outcome: .failed, reason: .timedOut)
        }
        return handled
    }

    private func handle(_ fresh: [Record], _ service: SimulatedService, _ replica: Int) -> Handled {
        switch service {
        case .inventory: handleStock(fresh, replica)
        case .payment: handlePayments(fresh, replica)
        case .shipping: handleShipping(fresh, replica)
        case .order: Handled()
        }
    }

    /// As `StockCommandHandler`.
    private func handleStock(_ fresh: [Record], _ replica: Int) -> Handled {
        var ledger = StockLedger(
            levels: inventory.levels, reservations: inventory.reservations, voided: inventory.voided)
        var handled = Handled()
        for record in fresh {
            let order = record.envelope.orderID
            let (name, outcome): (String, StockLedger.Outcome)
            switch record.envelope.type {
            case MessageType.reserveStock:
                let lines = (try? ReserveStock(decoding: record.envelope.payload))?.lines ?? []
                (name, outcome) = (ReserveStock.name, ledger.reserve(lines, for: order))
            case MessageType.releaseStock: (name, outcome) = (ReleaseStock.name, ledger.release(order))
            default: (name, outcome) = (CommitStock.name, ledger.commit(order))
            }
            switch outcome {
            case .done, .alreadyDone:
                handled.replies[record.envelope.id] = CommandReply(orderID: order, command: name, outcome: .succeeded)
            case .nothingToUndo:
                handled.replies[record.envelope.id] = CommandReply(
                    orderID: order, command: name, outcome: .nothingToUndo)
            case .refused(let reason):
                handled.replies[record.envelope.id] = CommandReply(
                    orderID: order, command: name, outcome: .failed, reason: reason)
            case .voided:
                handled.replies[record.envelope.id] = CommandReply(
                    orderID: order, command: name, outcome: .failed, reason: .timedOut)
            case .conflict: handled.refused.insert(record.envelope.id)
            }
        }
        let done = ledger
        handled.apply = { [self] in
            for sku in done.changedItems { inventory.levels[sku] = done.level(sku) }
            for order in done.newReservations.union(done.changedReservations) {
                inventory.reservations[order] = done.reservation(order)
            }
            if !done.newlyVoided.isEmpty { saw(.compensationFirst) }
            inventory.voided.formUnion(done.newlyVoided)
            checkStock()
        }
        return handled
    }

    /// As `PaymentCommandHandler`.
    private func handlePayments(_ fresh: [Record], _ replica: Int) -> Handled {
        let provider = SimulatedProvider(isBuiltin: plan.providerIsBuiltin)
        var known: [UUID: Payment] = [:]
        for record in fresh { known[record.envelope.orderID] = payment.read(record.envelope.orderID) }
        var ledger = PaymentLedger(payments: known, voided: payment.voided)
        var handled = Handled()
        for record in fresh {
            if record.envelope.type == MessageType.refundPayment {
                ledger.refund(record.envelope.orderID, command: record.envelope.id, provider: provider)
            } else if let command = try? ChargePayment(decoding: record.envelope.payload) {
                let charge = Payment(id: newID(of: replica), charging: command, askedBy: record.envelope.id)
                ledger.charge(charge, provider: provider)
            }
        }
        let ids = Set(fresh.map(\.envelope.id))
        var completed: [PaymentConversation.Reply] = []
        for answer in ledger.replies {
            if ids.contains(answer.command) {
                handled.replies[answer.command] = answer.reply
            } else {
                completed.append(answer)
                handled.outgoing.append(reply(answer.reply, replica))
            }
        }
        handled.outgoing += ledger.events.map {
            fact($0.orderID, $0.fact.type, .paymentEvents, $0.fact.reason, replica)
        }
        let (done, late) = (ledger, completed)
        handled.apply = { [self] in
            for order in done.created + done.changed.sorted() {
                guard let changed = done.payment(of: order) else { continue }
                payment.write(changed, now: now)
                notePayment(changed, done.events.filter { $0.orderID == order }.map(\.fact), replica)
            }
            payment.voided.formUnion(done.newlyVoided)
            for answer in late { complete(answer.command, answer.reply, .payment) }
        }
        return handled
    }

    /// As `ShippingHandler`.
    private func handleShipping(_ fresh: [Record], _ replica: Int) -> Handled {
        let carrier = SimulatedCarrier(isBuiltin: plan.carrierIsBuiltin)
        var known: [UUID: Shipment] = [:]
        for record in fresh { known[record.envelope.orderID] = shipping.read(record.envelope.orderID, now: now) }
        var ledger = ShipmentLedger(shipments: known, voided: shipping.voided)
        var handled = Handled()
        for record in fresh {
            let envelope = record.envelope
            switch envelope.type {
            case MessageType.bookShipment:
                guard let command = try? BookShipment(decoding: envelope.payload) else { continue }
                let booking = Shipment(id: newID(of: replica), booking: command, askedBy: envelope.id)
                ledger.book(booking, carrier: carrier)
            case MessageType.cancelShipment:
                ledger.cancel(envelope.orderID, command: envelope.id, carrier: carrier)
            case MessageType.orderConfirmed: ledger.confirm(envelope.orderID, cause: envelope.id, carrier: carrier)
            default: break
            }
        }
        handled.refused = Set(ledger.conflicts.keys)
        let ids = Set(fresh.map(\.envelope.id))
        var completed: [ShipmentConversation.Reply] = []
        for answer in ledger.replies {
            if ids.contains(answer.command) {
                handled.replies[answer.command] = answer.reply
            } else {
                completed.append(answer)
                handled.outgoing.append(reply(answer.reply, replica))
            }
        }
        handled.outgoing += ledger.events.map { fact($0.orderID, $0.type, .shippingEvents, nil, replica) }
        let (done, late) = (ledger, completed)
        handled.apply = { [self] in
            for order in done.created + done.changed.sorted() {
                guard let changed = done.shipment(of: order) else { continue }
                shipping.write(changed, now: now)
                noteShipment(changed, replica)
            }
            shipping.voided.formUnion(done.newlyVoided)
            for answer in late { complete(answer.command, answer.reply, .shipping) }
        }
        return handled
    }

    // MARK: Messages

    func reply(_ reply: CommandReply, _ replica: Int) -> OutgoingMessage {
        self.reply(reply.encoded, about: reply.orderID, replica)
    }

    func reply(_ payload: [UInt8], about order: UUID, _ replica: Int) -> OutgoingMessage {
        OutgoingMessage(
            topic: .sagaReplies,
            envelope: MessageEnvelope(
                id: newID(of: replica), source: replicas[replica].service.label, type: MessageType.commandReply,
                orderID: order, time: wallNow(replica), payload: payload))
    }

    func fact(_ order: UUID, _ type: String, _ topic: Topic, _ reason: Reason?, _ replica: Int) -> OutgoingMessage {
        OutgoingMessage(
            topic: topic,
            envelope: MessageEnvelope(
                id: newID(of: replica), source: replicas[replica].service.label, type: type, orderID: order,
                time: wallNow(replica),
                payload: OrderFact(orderID: order, reason: reason, at: wallNow(replica)).encoded))
    }
}
