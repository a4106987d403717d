import Clocks

/// A command of the saga to a participant. Its JSON form is in `Commands+JSON.swift`.
package protocol Command: Sendable, Hashable {
    /// The name of the saga's step or compensation.
    static var name: String { get }
    static var messageType: String { get }
    static var topic: Topic { get }
    var orderID: UUID { get }
}

/// Promise all lines to the order, or none.
package struct ReserveStock: Command {
    package static let name = "reserve-stock"
    package static let messageType = MessageType.reserveStock
    package static let topic = Topic.inventoryCommands
    package var orderID: UUID
    package var lines: [OrderLine]

    package init(orderID: UUID, lines: [OrderLine]) {
        self.orderID = orderID
        self.lines = lines
    }
}

/// Give the order's stock back.
package struct ReleaseStock: Command {
    package static let name = "release-stock"
    package static let messageType = MessageType.releaseStock
    package static let topic = Topic.inventoryCommands
    package var orderID: UUID

    package init(orderID: UUID) {
        self.orderID = orderID
    }
}

/// Turn the order's reservation into shipped stock.
package struct CommitStock: Command {
    package static let name = "commit-stock"
    package static let messageType = MessageType.commitStock
    package static let topic = Topic.inventoryCommands
    package var orderID: UUID

    package init(orderID: UUID) {
        self.orderID = orderID
    }
}

/// Take the money for the order.
package struct ChargePayment: Command {
    package static let name = "charge-payment"
    package static let messageType = MessageType.chargePayment
    package static let topic = Topic.paymentCommands
    package var orderID: UUID
    package var amount: Money
    /// A secret: never logged.
    package var token: String

    package init(orderID: UUID, amount: Money, token: String) {
        self.orderID = orderID
        self.amount = amount
        self.token = token
    }
}

/// Give the order's money back.
package struct RefundPayment: Command {
    package static let name = "refund-payment"
    package static let messageType = MessageType.refundPayment
    package static let topic = Topic.paymentCommands
    package var orderID: UUID

    package init(orderID: UUID) {
        self.orderID = orderID
    }
}

/// Book the carrier for the order.
package struct BookShipment: Command {
    package static let name = "book-shipment"
    package static let messageType = MessageType.bookShipment
    package static let topic = Topic.shippingCommands
    package var orderID: UUID
    package var shipTo: Address
    package var lines: [OrderLine]

    package init(orderID: UUID, shipTo: Address, lines: [OrderLine]) {
        self.orderID = orderID
        self.shipTo = shipTo
        self.lines = lines
    }
}

/// Call the carrier off.
package struct CancelShipment: Command {
    package static let name = "cancel-shipment"
    package static let messageType = MessageType.cancelShipment
    package static let topic = Topic.shippingCommands
    package var orderID: UUID

    package init(orderID: UUID) {
        self.orderID = orderID
    }
}
