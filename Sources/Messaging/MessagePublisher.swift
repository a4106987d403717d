import Clocks

/// Why the broker does not have a message, in one sentence.
package struct PublishFailure: Error, Sendable {
    package var message: String
    /// Whether sending it again can help.
    package var isRetriable: Bool

    package init(message: String, isRetriable: Bool) {
        self.message = message
        self.isRetriable = isRetriable
    }
}

/// Where the relay hands its messages: Kafka in a service, an array in a test.
package protocol MessagePublisher: Sendable {
    /// Publishes messages in order; answers one element a message: nil when the broker has acknowledged it.
    func publish(_ messages: [OutgoingMessage], deadline: MonotonicInstant) async -> [PublishFailure?]

    /// How long it is no use to hand anything over, at least; nil when it may be tried. The relay keeps its messages
    /// until then.
    var pause: Duration? { get }
}

extension MessagePublisher {
    package var pause: Duration? { nil }
}
