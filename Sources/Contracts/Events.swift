import Clocks

/// A fact about an order, for whoever wants it. All facts have the same payload; their type says which it is.
package struct OrderFact: Hashable, Sendable {
    package var orderID: UUID
    /// Why, where there is a why.
    package var reason: Reason?
    /// How much money moved, where some did.
    package var amount: Money?
    package var at: Timestamp

    package init(orderID: UUID, reason: Reason? = nil, amount: Money? = nil, at: Timestamp) {
        self.orderID = orderID
        self.reason = reason
        self.amount = amount
        self.at = at
    }
}
