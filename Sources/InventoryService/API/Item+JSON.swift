import Contracts
import JSON

extension Item: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("sku", sku)
            $0.member("name", name)
            $0.member("unitPrice", unitPrice)
            $0.member("received", stock.received)
            $0.member("available", stock.available)
            $0.member("reserved", stock.reserved)
            $0.member("shipped", stock.shipped)
        }
    }
}

/// The body of `PUT /v1/items/{sku}`.
struct ItemDescription: Hashable, Sendable {
    var name: String
    var unitPrice: Money

    init(_ item: inout JSONObjectDecoder) {
        name = item.string("name", length: 1...200, matching: .withoutControls)
        unitPrice = item.object("unitPrice") { Money(&$0, in: 1...1_000_000_000) }
    }
}

extension Receipt: JSONEncodable {
    func encode(to json: inout JSONWriter) {
        json.object {
            $0.member("id", id)
            $0.member("sku", sku)
            $0.member("quantity", quantity)
            $0.member("createdAt", createdAt)
        }
    }
}
