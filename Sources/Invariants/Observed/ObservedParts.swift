import JSON

/// A payment as payment-service shows it.
package struct ObservedPayment: Sendable, Hashable, CustomStringConvertible {
    package var id: String
    package var orderID: String
    package var status: String
    package var currency: String
    package var amount: Int64
    package var captured: Int64
    package var refunded: Int64

    package init(
        id: String, orderID: String, status: String, currency: String = "EUR", amount: Int64, captured: Int64,
        refunded: Int64
    ) {
        self.id = id
        self.orderID = orderID
        self.status = status
        self.currency = currency
        self.amount = amount
        self.captured = captured
        self.refunded = refunded
    }

    package init(_ value: JSONValue) {
        self.init(
            id: value["id"]?.string ?? "", orderID: value["orderId"]?.string ?? "",
            status: value["status"]?.string ?? "", currency: value["amount"]?["currency"]?.string ?? "",
            amount: value["amount"]?["amount"]?.int64 ?? -1, captured: value["captured"]?["amount"]?.int64 ?? 0,
            refunded: value["refunded"]?["amount"]?.int64 ?? 0)
    }

    package var description: String {
        "payment \(id) of order \(orderID): \(status), \(amount) \(currency), captured \(captured), refunded \(refunded)"
    }
}

/// A shipment as shipping-service shows it.
package struct ObservedShipment: Sendable, Hashable, CustomStringConvertible {
    package var id: String
    package var orderID: String
    package var status: String

    package init(id: String, orderID: String, status: String) {
        self.id = id
        self.orderID = orderID
        self.status = status
    }

    package init(_ value: JSONValue) {
        self.init(
            id: value["id"]?.string ?? "", orderID: value["orderId"]?.string ?? "",
            status: value["status"]?.string ?? "")
    }

    package var stands: Bool { ["booked", "dispatched", "delivered"].contains(status) }
    package var description: String { "shipment \(id) of order \(orderID): \(status)" }
}

/// A reservation as inventory-service shows it.
package struct ObservedReservation: Sendable, Hashable, CustomStringConvertible {
    package var orderID: String
    package var status: String
    package var lines: [ObservedOrder.Line]

    package init(orderID: String, status: String, lines: [ObservedOrder.Line]) {
        self.orderID = orderID
        self.status = status
        self.lines = lines
    }

    package init(_ value: JSONValue) {
        orderID = value["orderId"]?.string ?? ""
        status = value["status"]?.string ?? ""
        lines =
            value["lines"]?.elements.map {
                ObservedOrder.Line(sku: $0["sku"]?.string ?? "", quantity: $0["quantity"]?.int64 ?? 0)
            } ?? []
    }

    package var description: String { "reservation of order \(orderID): \(status)" }
}

/// A charge in the provider's own books.
package struct ProviderCharge: Sendable, Hashable, CustomStringConvertible {
    /// Our payment's id.
    package var key: String
    package var status: String
    package var captured: Int64
    package var refunded: Int64

    package init(key: String, status: String, captured: Int64, refunded: Int64) {
        self.key = key
        self.status = status
        self.captured = captured
        self.refunded = refunded
    }

    package init(_ value: JSONValue) {
        self.init(
            key: value["key"]?.string ?? "", status: value["status"]?.string ?? "",
            captured: value["captured"]?["amount"]?.int64 ?? 0, refunded: value["refunded"]?["amount"]?.int64 ?? 0)
    }

    package var description: String {
        "the provider's charge \(key): \(status), captured \(captured), refunded \(refunded)"
    }
}
