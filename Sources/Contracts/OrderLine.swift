/// How many of which item: what inventory reserves and shipping packs.
package struct OrderLine: Hashable, Sendable {
    package var sku: String
    package var quantity: Int64

    package init(sku: String, quantity: Int64) {
        self.sku = sku
        self.quantity = quantity
    }
}
