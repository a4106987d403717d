extension Audits {
    /// What does not hold at any instant.
    package func violationsAtAnyTime() -> [Violation] {
        var violations: [Violation] = []
        for item in items {
            let sum = item.available + item.reserved + item.shipped
            if item.received != sum {
                violations.append(
                    Violation(
                        .stockConserved,
                        "\(item.sku): received \(item.received), but available + reserved + shipped is \(sum)"))
            }
            if min(item.available, item.reserved, item.shipped) < 0 {
                violations.append(Violation(.stockConserved, "\(item.sku) has negative stock"))
            }
        }
        return violations
    }

    /// What does not hold although nothing is under way.
    package func violationsAtRest() -> [Violation] {
        var violations = violationsAtAnyTime()
        func expect(_ holds: Bool, _ promise: Violation.Promise, _ detail: @autoclosure () -> String) {
            if !holds { violations.append(Violation(promise, detail())) }
        }
        expect(isAtRest, .oneFinalState, "orders \(orders), sagas \(sagas), outboxes \(outboxPending)")
        for status in ["quarantined", "overdue"] {
            expect(sagas[status] == 0, .oneFinalState, "\(sagas[status] ?? -1) sagas are \(status)")
        }
        for status in ["pending", "in-doubt"] {
            expect(payments[status] == 0, .moneyAtMostOnce, "\(payments[status] ?? -1) payments are \(status)")
        }
        for (currency, sum) in money.sorted(by: { $0.key < $1.key }) {
            expect(
                sum.captured - sum.refunded == sum.confirmed, .moneyAtMostOnce,
                "\(currency): captured \(sum.captured) − refunded \(sum.refunded) is not confirmed \(sum.confirmed)")
        }
        let confirmed = ["confirmed", "shipped", "delivered"].reduce(0) { $0 + (orders[$1] ?? 0) }
        let goods = ["booked", "dispatched", "delivered"].reduce(0) { $0 + (shipments[$1] ?? 0) }
        expect(
            payments["captured"] == confirmed, .noMoneyWithoutGoods,
            "\(confirmed) orders are confirmed, \(payments["captured"] ?? -1) payments stand")
        expect(goods == confirmed, .noMoneyWithoutGoods, "\(confirmed) orders are confirmed, \(goods) shipments stand")
        expect(
            reservations["shipped"] == confirmed, .noMoneyWithoutGoods,
            "\(confirmed) orders are confirmed, \(reservations["shipped"] ?? -1) reservations are shipped")
        expect(
            reservations["reserved"] == 0, .stockConserved, "\(reservations["reserved"] ?? -1) reservations are open")
        expect(
            sagas["completed"] == confirmed, .oneFinalState,
            "completed sagas \(sagas["completed"] ?? -1), confirmed orders \(confirmed)")
        for (service, count) in deadLetters.sorted(by: { $0.key < $1.key }) {
            expect(count == 0, .nothingDroppedSilently, "\(service) has \(count) dead letters")
        }
        return violations
    }
}
