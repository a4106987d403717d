import Contracts
import JSON

extension OrderRequest {
    private static let customerCharacters = JSONCharacters("A-Za-z0-9._:-")
    private static let skuCharacters = JSONCharacters("A-Za-z0-9._-")
    private static let tokenCharacters = JSONCharacters("A-Za-z0-9_-")
    private static let capitals = JSONCharacters("A-Z")

    /// Reads the body of `POST /v1/orders`; everything that is wrong with it is noted with its place.
    init(_ order: inout JSONObjectDecoder) {
        customerID = order.string("customerId", length: 1...64, matching: Self.customerCharacters)
        currency = order.string("currency", length: 3...3, matching: Self.capitals)
        var seen: Set<String> = []
        lines = order.array("lines", count: 1...100) { field in
            field.object { line in
                let skuField = line.required("sku")
                let sku = skuField.string(length: 1...64, matching: Self.skuCharacters)
                if !sku.isEmpty, !seen.insert(sku).inserted { skuField.refuse("\(sku) is in an earlier line already") }
                return OrderLine(sku: sku, quantity: line.integer("quantity", in: 1...1000))
            }
        }
        paymentToken = order.object("payment") { $0.string("token", length: 1...128, matching: Self.tokenCharacters) }
        shipTo = order.object("shipTo") { Address(&$0) }
    }
}
