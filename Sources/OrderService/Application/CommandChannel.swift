/// By which way order-service sends its commands.
package enum CommandChannel: String, CaseIterable, Sendable {
    /// Over Kafka, and over HTTP while Kafka is out or does not lead to an answer.
    case auto
    /// Over Kafka alone: while it is out, commands wait in the outbox.
    case kafka
    /// Over HTTP alone; replies and events still go over Kafka too.
    case http
}
