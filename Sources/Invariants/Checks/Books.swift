extension Invariant {
    static let money = Invariant(
        id: "I4", title: "Money adds up", promises: [.moneyAtMostOnce, .noMoneyWithoutGoods],
        statement:
            "Captured − refunded = total of the confirmed orders, per currency; nothing is captured without an order."
    ) { run in
        var findings = Findings()
        for violation in run.audits.violationsAtRest()
        where violation.promise == .moneyAtMostOnce || violation.promise == .noMoneyWithoutGoods {
            findings.expect(false, violation.detail, [violation.description])
        }
        findings.look(run.audits.money.count)
        for snapshot in run.snapshots {
            findings.look()
            for (currency, sum) in snapshot.audits.money {
                findings.expect(
                    sum.refunded <= sum.captured, "more \(currency) was given back than taken",
                    ["at \(snapshot.at / 1_000_000_000) s: captured \(sum.captured), refunded \(sum.refunded)"])
            }
        }
        for order in run.orders {
            findings.look()
            let broken = order.violations().first { $0.promise == .noMoneyWithoutGoods }
            findings.expect(
                broken == nil || !order.degraded.isEmpty, broken?.detail ?? "", run.story(of: order.id))
        }
        let known = Set(run.orders.map(\.id)).union(run.listed.keys)
        for payment in run.payments where payment.captured > payment.refunded {
            findings.expect(
                known.contains(payment.orderID), "\(payment) has no order", [payment.description])
        }
        return findings.result
    }

    static let oneCharge = Invariant(
        id: "I5", title: "One key, one effect", promises: [.sameKeySameAnswer, .moneyAtMostOnce],
        statement: "A key has one order and one answer, byte for byte; an order has at most one charge that stands."
    ) { run in
        var findings = Findings()
        let placed = Dictionary(grouping: run.operations.filter { $0.isPlacing && $0.outcome == .ok }) {
            $0.idempotencyKey ?? ""
        }
        for (key, operations) in placed.sorted(by: { $0.key < $1.key }) {
            findings.look()
            let events = run.operations(ofKey: key).map(\.description)
            findings.expect(
                Set(operations.compactMap(\.orderID)).count <= 1, "the key \(key) made several orders", events)
            findings.expect(
                Set(operations.compactMap(\.answer)).count <= 1, "the key \(key) had several answers", events)
        }
        for (customer, orders) in Dictionary(grouping: run.listed, by: { $0.value.customerID })
        where orders.count > 1 && run.operations.contains(where: { $0.customerID == customer }) {
            findings.expect(
                false, "customer \(customer) sent one key and has \(orders.count) orders",
                run.operations.filter { $0.customerID == customer }.map(\.description)
                    + orders.map { "listed: order \($0.key) \($0.value.status)" }.sorted())
        }
        for (orderID, payments) in Dictionary(grouping: run.payments, by: \.orderID) {
            findings.look()
            let standing = payments.filter { $0.captured > $0.refunded }
            findings.expect(
                standing.count <= 1, "order \(orderID) has \(standing.count) charges that stand", run.story(of: orderID)
            )
        }
        return findings.result
    }

    static let stock = Invariant(
        id: "I6", title: "Stock is conserved", promises: [.stockConserved],
        statement:
            "Per SKU received = available + reserved + shipped, none negative, at any time; what left is what was sold."
    ) { run in
        var findings = Findings()
        for snapshot in run.snapshots + [Observation.Snapshot(at: -1, audits: run.audits)] {
            findings.look(snapshot.audits.items.count)
            for violation in snapshot.audits.violationsAtAnyTime() {
                let time = snapshot.at < 0 ? "at the end" : "at \(snapshot.at / 1_000_000) ms"
                findings.expect(false, "\(violation.detail), \(time)", ["\(time): \(violation.description)"])
            }
        }
        var sold: [String: Int64] = [:]
        for order in run.orders where order.isConfirmed {
            for line in order.lines { sold[line.sku, default: 0] += line.quantity }
        }
        for (sku, received) in run.stocked.sorted(by: { $0.key < $1.key }) where run.unread.isEmpty {
            guard let item = run.audits.items.first(where: { $0.sku == sku }) else {
                findings.doubt("\(sku) is not in the audit")
                continue
            }
            findings.look()
            let events = [
                "received \(received) by the drill, \(item.received) in the books",
                "sold \(sold[sku] ?? 0) by the confirmed orders, \(item.shipped) shipped in the books",
                "reserved \(item.reserved), available \(item.available)",
            ]
            findings.expect(item.received == received, "\(sku): a receipt counted other than once", events)
            findings.expect(item.shipped == sold[sku] ?? 0, "\(sku): what left is not what was sold", events)
            findings.expect(item.reserved == 0, "\(sku): \(item.reserved) are still reserved", events)
        }
        let orders = Dictionary(run.orders.map { ($0.id, $0) }) { first, _ in first }
        for reservation in run.reservations {
            guard let order = orders[reservation.orderID] else { continue }
            findings.look()
            findings.expect(
                reservation.status == (order.isConfirmed ? "shipped" : "released"),
                "order \(order.id) is \(order.status) and its reservation \(reservation.status)",
                run.story(of: order.id))
        }
        return findings.result
    }

    static let reconciliation = Invariant(
        id: "I10", title: "Reconciliation", promises: [.moneyAtMostOnce],
        statement: "The provider's books and ours name the same charges with the same sums, in both directions."
    ) { run in
        var findings = Findings()
        guard let charges = run.providerCharges else {
            findings.skip("money moves by rules inside payment-service: there are no books of a provider")
            return findings.result
        }
        let theirs = Dictionary(charges.map { ($0.key, $0) }) { first, _ in first }
        let ours = Dictionary(run.payments.map { ($0.id, $0) }) { first, _ in first }
        for payment in run.payments {
            findings.look()
            let charge = theirs[payment.id]
            let isEqual = charge?.captured ?? 0 == payment.captured && charge?.refunded ?? 0 == payment.refunded
            findings.expect(
                isEqual, "payment \(payment.id) differs from the provider's books",
                run.story(of: payment.orderID) + [charge?.description ?? "the provider knows no such charge"])
        }
        for charge in charges where charge.captured > 0 {
            findings.look()
            findings.expect(
                ours[charge.key] != nil, "the provider took money under \(charge.key), of which we know nothing",
                [charge.description])
        }
        return findings.result
    }
}
