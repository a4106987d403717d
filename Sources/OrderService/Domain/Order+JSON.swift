import Clocks
import Contracts
import JSON

extension Order.Line {
    /// The lines as they are stored.
    static func encode(_ lines: [Order.Line]) -> [UInt8] {
        var json = JSONWriter(capacity: 96 * lines.count + 2)
        json.array(lines) { json, line in
            json.object {
                $0.member("sku", line.sku)
                $0.member("name", line.name)
                $0.member("quantity", line.quantity)
                $0.member("unitPrice", line.unitPrice)
                $0.member("total", line.total)
            }
        }
        return json.bytes
    }

    /// Reads what ``encode(_:)`` wrote.
    static func list(decoding bytes: [UInt8]) throws -> [Order.Line] {
        try JSONDocument(parsing: bytes).root.elements.map { element in
            try element.decode(unknownMembers: .ignored) { line in
                Order.Line(
                    sku: line.string("sku"), name: line.string("name"),
                    quantity: line.integer("quantity", in: 1...Int64.max),
                    unitPrice: line.integer("unitPrice", in: 1...Int64.max),
                    total: line.integer("total", in: 1...Int64.max))
            }
        }
    }
}

extension Order {
    /// The members of an order as every answer shows them.
    func writeMembers(to json: inout JSONWriter) {
        json.member("id", id)
        json.member("customerId", customerID)
        json.member("status", status.rawValue)
        json.member("reason", reason?.rawValue)
        json.member("currency", currency)
        json.member("total", Money(amount: total, currency: currency))
        json.array("lines", lines) { json, line in
            json.object {
                $0.member("sku", line.sku)
                $0.member("name", line.name)
                $0.member("quantity", line.quantity)
                $0.member("unitPrice", Money(amount: line.unitPrice, currency: currency))
                $0.member("total", Money(amount: line.total, currency: currency))
            }
        }
        json.member("shipTo", shipTo)
        json.member("createdAt", createdAt)
        json.member("updatedAt", updatedAt)
    }
}

extension Order: JSONEncodable {
    package func encode(to json: inout JSONWriter) {
        json.object { writeMembers(to: &$0) }
    }
}
