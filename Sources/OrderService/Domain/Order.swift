import Clocks
import Contracts

/// What a customer asked for, at the prices of that moment, and what became of it.
package struct Order: Hashable, Sendable {
    /// - `pending`: accepted; its saga is at work. Leaves to `confirmed`, `rejected` or `cancelled`.
    /// - `confirmed`: the outcome, at the saga's pivot. Leaves to `shipped`.
    /// - `rejected`, `cancelled`: the outcome, once every compensation is done; final.
    /// - `shipped`: on the road. Leaves to `delivered`.
    /// - `delivered`: arrived; final.
    package enum Status: String, CaseIterable, Sendable {
        case pending, confirmed, rejected, cancelled, shipped, delivered
    }

    /// A line at its price of acceptance.
    struct Line: Hashable, Sendable {
        var sku: String
        var name: String
        var quantity: Int64
        /// Minor units of the order's currency.
        var unitPrice: Int64
        /// Minor units of the order's currency.
        var total: Int64
    }

    var id: UUID
    var customerID: String
    var status: Status
    var reason: Reason?
    var currency: String
    /// Minor units.
    var total: Int64
    var lines: [Line]
    var shipTo: Address
    var createdAt: Timestamp
    var updatedAt: Timestamp
}

extension Order.Status {
    /// Whether the customer's answer is known: no order leaves these for another outcome.
    var isOutcomeKnown: Bool { self != .pending }
}
