import JSON

/// The books of the four services, as `GET /v1/audit` of each shows them.
package struct Audits: Sendable, Hashable {
    package struct Item: Sendable, Hashable {
        package var sku: String
        package var received: Int64
        package var available: Int64
        package var reserved: Int64
        package var shipped: Int64
    }

    package struct Money: Sendable, Hashable {
        package var captured: Int64 = 0
        package var refunded: Int64 = 0
        package var confirmed: Int64 = 0
    }

    package var orders: [String: Int64] = [:]
    package var sagas: [String: Int64] = [:]
    package var items: [Item] = []
    package var reservations: [String: Int64] = [:]
    package var payments: [String: Int64] = [:]
    package var shipments: [String: Int64] = [:]
    /// By currency.
    package var money: [String: Money] = [:]
    package var outboxPending: [String: Int64] = [:]
    package var deadLetters: [String: Int64] = [:]

    package init() {}

    /// Adds one service's audit.
    ///
    /// - Throws: `JSONError` for what is no audit.
    package mutating func add(_ body: [UInt8]) throws(JSONError) {
        let root = try JSONDocument(parsing: body).root
        let service = root["service"]?.string ?? "unknown"
        outboxPending[service] = root["outboxPending"]?.int64 ?? -1
        deadLetters[service] = root["deadLetters"]?.int64 ?? -1
        func counts(_ member: StaticString) -> [String: Int64] {
            var counts: [String: Int64] = [:]
            if let object = root[member] { for entry in object.members { counts[entry.name] = entry.value.int64 } }
            return counts
        }
        orders.merge(counts("orders")) { $1 }
        sagas.merge(counts("sagas")) { $1 }
        reservations.merge(counts("reservations")) { $1 }
        payments.merge(counts("payments")) { $1 }
        shipments.merge(counts("shipments")) { $1 }
        if let list = root["items"] {
            items += list.elements.map { item in
                Item(
                    sku: item["sku"]?.string ?? "", received: item["received"]?.int64 ?? -1,
                    available: item["available"]?.int64 ?? -1, reserved: item["reserved"]?.int64 ?? -1,
                    shipped: item["shipped"]?.int64 ?? -1)
            }
        }
        if let totals = root["totals"] {
            for entry in totals.members {
                var sum = money[entry.name] ?? Money()
                if let captured = entry.value["captured"]?.int64 { sum.captured = captured }
                if let refunded = entry.value["refunded"]?.int64 { sum.refunded = refunded }
                if let confirmed = entry.value["confirmed"]?.int64 { sum.confirmed = confirmed }
                money[entry.name] = sum
            }
        }
    }

    /// Whether nothing is under way: only then all sums hold exactly.
    package var isAtRest: Bool {
        orders["pending"] == 0 && ["running", "compensating", "parked"].allSatisfy { sagas[$0] == 0 }
            && outboxPending.count == 4 && outboxPending.values.allSatisfy { $0 == 0 }
    }
}
