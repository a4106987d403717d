/// An amount in minor units of one currency: `Money(amount: 1999, currency: "EUR")` is 19.99 euros.
package struct Money: Hashable, Sendable {
    /// Minor units; negative only for corrections, never in an order.
    package var amount: Int64
    /// ISO 4217 code, three upper-case letters.
    package var currency: String

    package init(amount: Int64, currency: String) {
        self.amount = amount
        self.currency = currency
    }

    /// This amount `count` times; nil when no `Int64` holds the product.
    package func multiplied(by count: Int64) -> Money? {
        let (product, overflow) = amount.multipliedReportingOverflow(by: count)
        return overflow ? nil : Money(amount: product, currency: currency)
    }
}
