/// The Kafka topics of the suite. The key of every message is the order's id.
package enum Topic: String, CaseIterable, Sendable {
    case inventoryCommands = "inventory.commands"
    case paymentCommands = "payment.commands"
    case shippingCommands = "shipping.commands"
    case sagaReplies = "saga.replies"
    case orderEvents = "order.events"
    case inventoryEvents = "inventory.events"
    case paymentEvents = "payment.events"
    case shippingEvents = "shipping.events"

    /// Where messages of this topic go that could not be processed.
    package var deadLetter: String { rawValue + ".dead-letter" }
}
