import Contracts

/// A message and the topic it goes to.
package struct OutgoingMessage: Hashable, Sendable {
    package var topic: Topic.RawValue
    package var envelope: MessageEnvelope

    package init(topic: Topic, envelope: MessageEnvelope) {
        self.topic = topic.rawValue
        self.envelope = envelope
    }

    package init(topicName: String, envelope: MessageEnvelope) {
        self.topic = topicName
        self.envelope = envelope
    }
}
