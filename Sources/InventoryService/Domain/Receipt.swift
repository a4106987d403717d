import Clocks

/// Stock that came in for an item.
struct Receipt: Hashable, Sendable {
    /// How much may come in at once.
    static let quantities: ClosedRange<Int64> = 1...1_000_000

    var id: UUID
    var sku: String
    var quantity: Int64
    var createdAt: Timestamp
}
