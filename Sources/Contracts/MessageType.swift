/// The CloudEvents types of the suite; a breaking change of a payload is a new version of its type.
package enum MessageType {
    package static let reserveStock = "holdfast.inventory.reserve-stock.v1"
    package static let releaseStock = "holdfast.inventory.release-stock.v1"
    package static let commitStock = "holdfast.inventory.commit-stock.v1"
    package static let chargePayment = "holdfast.payment.charge-payment.v1"
    package static let refundPayment = "holdfast.payment.refund-payment.v1"
    package static let bookShipment = "holdfast.shipping.book-shipment.v1"
    package static let cancelShipment = "holdfast.shipping.cancel-shipment.v1"

    package static let commandReply = "holdfast.saga.command-reply.v1"

    package static let orderPlaced = "holdfast.order.order-placed.v1"
    package static let orderConfirmed = "holdfast.order.order-confirmed.v1"
    package static let orderRejected = "holdfast.order.order-rejected.v1"
    package static let orderCancelled = "holdfast.order.order-cancelled.v1"
    package static let stockReleased = "holdfast.inventory.stock-released.v1"
    package static let stockShipped = "holdfast.inventory.stock-shipped.v1"
    package static let paymentCaptured = "holdfast.payment.payment-captured.v1"
    package static let paymentDeclined = "holdfast.payment.payment-declined.v1"
    package static let paymentRefunded = "holdfast.payment.payment-refunded.v1"
    package static let shipmentCancelled = "holdfast.shipping.shipment-cancelled.v1"
    package static let shipmentDispatched = "holdfast.shipping.shipment-dispatched.v1"
    package static let shipmentDelivered = "holdfast.shipping.shipment-delivered.v1"
}
