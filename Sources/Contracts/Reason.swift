/// Why an order did not come about, as its customer reads it.
package enum Reason: String, CaseIterable, Sendable {
    case outOfStock = "out-of-stock"
    case paymentDeclined = "payment-declined"
    case shippingUnavailable = "shipping-unavailable"
    case timedOut = "timed-out"
    case cancelledByCustomer = "cancelled-by-customer"
    case unknownItem = "unknown-item"
}
