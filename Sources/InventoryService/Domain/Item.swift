import Contracts

/// Something that can be ordered, with its price and its stock.
struct Item: Hashable, Sendable {
    var sku: String
    var name: String
    var unitPrice: Money
    var stock: StockLevel
}
