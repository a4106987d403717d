import Clocks
import Contracts
import InventoryService
import Messaging
import OrderService
import PaymentService
import Saga
import ShippingService

/// What must hold at any instant, looked at after each commit that could change it.
extension World {
    /// received = available + reserved + shipped, none negative.
    func checkStock() {
        for (sku, level) in inventory.levels.sorted(by: { $0.key < $1.key }) where !level.isConserved {
            fail(
                .stockConserved,
                "\(sku): received \(level.received), available \(level.available), reserved \(level.reserved), "
                    + "shipped \(level.shipped)")
        }
    }

    /// At most one charge of an order stands, in the provider's books.
    func checkCharges(of order: UUID) {
        let count = outside.standingCharges(of: order).count
        if count > 1 { fail(.moneyAtMostOnce, "\(count) charges stand for \(name(of: order))") }
    }

    /// The same by what payment-service has committed.
    func notePayment(_ payment: Payment, _ facts: [PaymentConversation.Fact], _ replica: Int) {
        for fact in facts {
            switch fact.type {
            case MessageType.paymentCaptured: observations.standing[payment.orderID, default: 0] += 1
            case MessageType.paymentRefunded: observations.standing[payment.orderID, default: 0] -= 1
            default: break
            }
        }
        let standing = observations.standing[payment.orderID] ?? 0
        if !(0...1).contains(standing) {
            fail(.moneyAtMostOnce, "\(standing) charges stand for \(name(of: payment.orderID)) in payment-service")
        }
        if !facts.isEmpty {
            note(replicas[replica].name, "\(name(of: payment.orderID))'s payment is \(payment.status.rawValue)")
        }
    }

    func noteShipment(_ shipment: Shipment, _ replica: Int) {
        note(replicas[replica].name, "\(name(of: shipment.orderID))'s shipment is \(shipment.status.rawValue)")
    }

    /// One key has one effect.
    func checkKeys(_ number: Int) {
        let count = orders.orders.values.count { $0.plan == number }
        if count > 1 { fail(.sameKeySameAnswer, "the key of order \(number) has made \(count) orders") }
    }

    /// A saga that has ended stays as it is; one that is undone undoes what was done, the last first.
    func checkSaga(_ id: UUID, before: OrderTables.SagaRow?, after: OrderTables.SagaRow) {
        if let before, before.state.isFinal, before.state.status != after.state.status {
            fail(.oneFinalState, "\(name(of: id))'s saga was \(before.state.status) and is \(after.state.status)")
        }
        let (done, undone) = steps(after.journal)
        guard !undone.isEmpty else { return }
        if !done.reversed().starts(with: undone) {
            fail(.compensatedInReverse, "\(name(of: id)) did \(done) and undid \(undone)")
        }
    }

    /// The steps that count as done, and those that were undone, in their order.
    func steps(_ journal: [SagaJournalEntry]) -> (done: [String], undone: [String]) {
        let done = journal.filter {
            $0.kind == .action && ($0.status == .succeeded || $0.status == .unknown)
        }
        return (done.map(\.step), journal.filter { $0.kind == .compensation }.compactMap(\.undoes))
    }

    /// A message whose offset is committed was handled, or is kept.
    func checkDropped() {
        if let record = broker.dropped().first {
            fail(.nothingDroppedSilently, "\(describe(record.envelope)) was neither handled nor kept")
        }
    }

    // MARK: Words

    func name(of order: UUID) -> String {
        orders.orders[order].map { "order \($0.plan)" } ?? "an order that is not there"
    }

    func describe(_ envelope: MessageEnvelope) -> String {
        let parts = envelope.type.split(separator: ".")
        var what = parts.count > 2 ? String(parts[2]) : envelope.type
        if let reply = envelope.type == MessageType.commandReply ? try? CommandReply(decoding: envelope.payload) : nil {
            what = "reply \(reply.command) \(reply.outcome.rawValue)"
        }
        return "\(what) of \(name(of: envelope.orderID))"
    }

    func describe(_ call: ProviderCall) -> String {
        switch call {
        case .charge: "charge"
        case .query: "query"
        case .reverse: "reverse"
        }
    }

    func describe(_ answer: ProviderAnswer) -> String {
        String("\(answer)".prefix { $0 != "(" })
    }

    func describe(_ answer: CarrierAnswer) -> String {
        String("\(answer)".prefix { $0 != "(" })
    }
}
