import JSON

/// An order as `GET /v1/orders/{id}` shows it.
package struct ObservedOrder: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package var step: String
        package var kind: String
        package var undoes: String?
        package var status: String
    }

    package struct Line: Sendable, Hashable {
        package var sku: String
        package var quantity: Int64
    }

    package var id: String
    package var customerID: String
    package var currency: String
    package var lines: [Line]
    package var status: String
    package var reason: String?
    package var total: Int64
    package var timeline: [Entry]
    package var paymentStatus: String?
    package var captured: Int64
    package var refunded: Int64
    package var shipmentStatus: String?
    package var degraded: [String]

    /// Reads the answer.
    ///
    /// - Throws: `JSONError` for what is no JSON.
    package init(_ body: [UInt8]) throws(JSONError) {
        let root = try JSONDocument(parsing: body).root
        id = root["id"]?.string ?? ""
        customerID = root["customerId"]?.string ?? ""
        currency = root["currency"]?.string ?? ""
        lines =
            root["lines"]?.elements.map {
                Line(sku: $0["sku"]?.string ?? "", quantity: $0["quantity"]?.int64 ?? 0)
            } ?? []
        status = root["status"]?.string ?? ""
        reason = root["reason"]?.string
        total = root["total"]?["amount"]?.int64 ?? -1
        timeline =
            root["timeline"]?.elements.map { entry in
                Entry(
                    step: entry["step"]?.string ?? "", kind: entry["kind"]?.string ?? "",
                    undoes: entry["undoes"]?.string, status: entry["status"]?.string ?? "")
            } ?? []
        paymentStatus = root["payment"]?["status"]?.string
        captured = root["payment"]?["captured"]?["amount"]?.int64 ?? 0
        refunded = root["payment"]?["refunded"]?["amount"]?.int64 ?? 0
        shipmentStatus = root["shipment"]?["status"]?.string
        degraded = root["degraded"]?.elements.compactMap(\.string) ?? []
    }

    /// Whether the outcome is confirmed: shipped and delivered are later stages of it.
    package var isConfirmed: Bool { ["confirmed", "shipped", "delivered"].contains(status) }

    /// What does not hold of an order whose saga is at rest.
    package func violations() -> [Violation] {
        var violations: [Violation] = []
        func expect(_ holds: Bool, _ promise: Violation.Promise, _ detail: String) {
            if !holds { violations.append(Violation(promise, "order \(id): \(detail)")) }
        }
        expect(isConfirmed || status == "rejected" || status == "cancelled", .oneFinalState, "it is \(status)")
        for entry in timeline where entry.status == "pending" || entry.status == "parked" {
            expect(false, .oneFinalState, "\(entry.step) is \(entry.status) at rest")
        }
        if isConfirmed {
            expect(
                paymentStatus == "captured" && captured == total && refunded == 0, .noMoneyWithoutGoods,
                "it is confirmed with a payment \(paymentStatus ?? "missing") of \(captured) for \(total)")
            expect(
                ["booked", "dispatched", "delivered"].contains(shipmentStatus ?? ""), .noMoneyWithoutGoods,
                "it is confirmed with a shipment \(shipmentStatus ?? "missing")")
        } else {
            expect(
                captured == refunded, .noMoneyWithoutGoods,
                "it is \(status) and keeps \(captured - refunded) of its customer's money")
            let done = timeline.filter { $0.kind == "action" && ($0.status == "succeeded" || $0.status == "unknown") }
            let undone = timeline.filter { $0.kind == "compensation" }.compactMap(\.undoes)
            expect(
                undone == done.map(\.step).reversed(), .compensatedInReverse,
                "did \(done.map(\.step)), undid \(undone)")
        }
        return violations
    }
}
