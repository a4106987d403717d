/// Where a message lay in Kafka.
package struct MessageOrigin: Hashable, Sendable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64

    package init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

/// A message as it arrived.
package struct IncomingMessage: Hashable, Sendable {
    package var envelope: MessageEnvelope
    package var origin: MessageOrigin

    package init(envelope: MessageEnvelope, origin: MessageOrigin) {
        self.envelope = envelope
        self.origin = origin
    }
}
