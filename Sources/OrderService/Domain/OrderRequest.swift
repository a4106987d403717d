import Contracts

/// What a customer asks for; a price is not theirs to say.
struct OrderRequest: Hashable, Sendable {
    var customerID: String
    var currency: String
    var lines: [OrderLine]
    /// What the customer pays with: a secret, passed to payment-service and nowhere else.
    var paymentToken: String
    var shipTo: Address
}
