import Contracts

/// An item as the catalogue offers it.
struct CatalogueItem: Hashable, Sendable {
    var sku: String
    var name: String
    var unitPrice: Money
}
