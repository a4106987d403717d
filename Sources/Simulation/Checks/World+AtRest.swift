import Clocks
import Contracts
import Invariants
import InventoryService
import OrderService
import Saga
import ShippingService

/// What must hold once nothing is under way any more.
extension World {
    var isAtRest: Bool {
        callsUnderWay == 0 && messagesUnderWay == 0 && customers.allSatisfy { $0.openWishes == 0 }
            && orders.orders.values.allSatisfy { $0.status != .pending && !$0.status.awaitsGoods }
            && orders.sagas.values.allSatisfy { $0.state.isFinal }
            && messages.allSatisfy { $0.outbox.isEmpty && $0.parking.isEmpty } && broker.isDrained
            && payment.payments.values.allSatisfy { $0.times.dueAt == nil }
            && shipping.shipments.values.allSatisfy { $0.times.dueAt == nil }
    }

    /// For who wonders why it does not come to rest.
    var whatIsOpen: String {
        var open: [String] = []
        for (id, row) in orders.sagas.sorted(by: { $0.key < $1.key }) where !row.state.isFinal {
            open.append("\(name(of: id))'s saga is \(row.state.status) at \(row.journal.last?.step ?? "its start")")
        }
        for order in orders.orders.values.sorted(by: { $0.plan < $1.plan }) where order.status.awaitsGoods {
            open.append("order \(order.plan) is \(order.status.rawValue), and its goods do not arrive")
        }
        for customer in customers where customer.openWishes > 0 {
            open.append("customer \(customer.plan.number) has no answer")
        }
        for service in SimulatedService.allCases {
            let tables = messages[service.rawValue]
            if !tables.outbox.isEmpty { open.append("\(tables.outbox.count) rows in \(service.label)'s outbox") }
            if !tables.parking.isEmpty { open.append("messages of \(service.label) are parked or dead letters") }
        }
        if !broker.isDrained { open.append("messages are unread") }
        for (id, row) in payment.payments.sorted(by: { $0.key < $1.key }) where row.times.dueAt != nil {
            open.append("\(name(of: id))'s payment is \(row.payment.status.rawValue)")
        }
        for (id, row) in shipping.shipments.sorted(by: { $0.key < $1.key }) where row.times.dueAt != nil {
            open.append("\(name(of: id))'s shipment is \(row.shipment.status.rawValue)")
        }
        return open.isEmpty ? "nothing is open" : open.joined(separator: "; ")
    }

    func checkAtRest() {
        checkAcknowledged()
        checkDropped()
        checkStock()
        checkReservations()
        for (id, order) in orders.orders.sorted(by: { $0.key < $1.key }) {
            checkOutcome(order)
            checkJournal(order)
            checkGoods(id, order)
        }
        checkMoney()
    }

    private func expect(_ holds: Bool, _ promise: Violation.Promise, _ detail: @autoclosure () -> String) {
        if !holds { fail(promise, detail()) }
    }

    private func checkAcknowledged() {
        for customer in customers {
            let number = customer.plan.number
            guard let answer = customer.answer else { continue }
            expect(
                orders.orders[answer.orderID]?.amount == answer.amount, .acknowledgedIsKept,
                "order \(number) was answered with 2xx and is not found")
            let status = orders.orders[answer.orderID]?.status
            expect(
                !customer.isCancellationAccepted || status == .cancelled || status == .rejected, .oneFinalState,
                "order \(number)'s cancellation was accepted, and it is \(status?.rawValue ?? "gone")")
            expect(
                orders.orders.values.count { $0.plan == number } == 1, .sameKeySameAnswer,
                "the key of order \(number) has made more than one order")
        }
    }

    private func checkOutcome(_ order: OrderTables.OrderRow) {
        let outcome = observations.outcomes[order.id]
        let isConfirmed = order.isConfirmed
        expect(
            outcome == .confirmed ? isConfirmed : outcome == order.status, .oneFinalState,
            "order \(order.plan) was \(outcome?.rawValue ?? "undecided") and is \(order.status.rawValue)")
        let saga = orders.sagas[order.id]?.state.status
        expect(
            saga == (isConfirmed ? .completed : .compensated), .oneFinalState,
            "order \(order.plan) is \(order.status.rawValue) and its saga \(saga.map { "\($0)" } ?? "gone")")
    }

    private func checkJournal(_ order: OrderTables.OrderRow) {
        let (done, undone) = steps(orders.sagas[order.id]?.journal ?? [])
        expect(
            undone == (order.isConfirmed ? [] : done.reversed()), .compensatedInReverse,
            "order \(order.plan) is \(order.status.rawValue), did \(done) and undid \(undone)")
    }

    private func checkGoods(_ id: UUID, _ order: OrderTables.OrderRow) {
        let reservation = inventory.reservations[id]?.status
        let shipment = shipping.shipments[id]?.shipment.status
        let isShipped = shipment == .booked || shipment == .dispatched || shipment == .delivered
        let isCarried = plan.carrierIsBuiltin ? isShipped : outside.hasStandingBooking(id)
        let what = "order \(order.plan) is \(order.status.rawValue)"
        if order.isConfirmed {
            expect(
                reservation == .shipped, .noMoneyWithoutGoods,
                "\(what), its reservation \(reservation.map { "\($0)" } ?? "missing")")
            expect(isShipped, .noMoneyWithoutGoods, "\(what), its shipment \(shipment?.rawValue ?? "missing")")
            expect(isCarried, .noMoneyWithoutGoods, "\(what), and the carrier has no booking")
        } else {
            expect(
                reservation == nil || reservation == .released, .compensatedInReverse,
                "\(what), its reservation is kept")
            expect(!isShipped, .compensatedInReverse, "\(what), its shipment is \(shipment?.rawValue ?? "")")
            expect(!isCarried, .compensatedInReverse, "\(what), and the carrier has a booking")
        }
        let paid = payment.payments[id]?.payment
        let stands = paid?.status == .captured
        let amount = paid.map { $0.captured - $0.refunded } ?? 0
        expect(
            stands == order.isConfirmed && amount == (order.isConfirmed ? order.amount.amount : 0),
            .noMoneyWithoutGoods, "\(what), its payment \(paid?.status.rawValue ?? "missing") keeps \(amount)")
        guard !plan.providerIsBuiltin else { return }
        let charges = outside.standingCharges(of: id)
        expect(
            charges.map(\.amount) == (order.isConfirmed ? [order.amount.amount] : []),
            order.isConfirmed ? .moneyAtMostOnce : .noMoneyWithoutGoods,
            "\(what), and in the provider's books \(charges.map(\.amount)) stand")
    }

    /// What is reserved and shipped of an item is what the reservations say.
    private func checkReservations() {
        for (sku, level) in inventory.levels.sorted(by: { $0.key < $1.key }) {
            func sum(_ status: Reservation.Status) -> Int64 {
                inventory.reservations.values.filter { $0.status == status }.flatMap(\.lines)
                    .filter { $0.sku == sku }.reduce(0) { $0 + $1.quantity }
            }
            expect(
                level.reserved == sum(.reserved), .stockConserved,
                "\(sku): reserved \(level.reserved), and its reservations are \(sum(.reserved))")
            expect(
                level.shipped == sum(.shipped), .stockConserved,
                "\(sku): shipped \(level.shipped), and its reservations are \(sum(.shipped))")
        }
    }

    private func checkMoney() {
        let kept = payment.payments.values.reduce(0) { $0 + $1.payment.captured - $1.payment.refunded }
        let confirmed = orders.orders.values.filter(\.isConfirmed).reduce(0) { $0 + $1.amount.amount }
        expect(kept == confirmed, .moneyAtMostOnce, "captured − refunded is \(kept), confirmed orders are \(confirmed)")
    }
}

extension OrderTables.OrderRow {
    /// Shipped and delivered are later stages of confirmed.
    var isConfirmed: Bool { status == .confirmed || status == .shipped || status == .delivered }
}
