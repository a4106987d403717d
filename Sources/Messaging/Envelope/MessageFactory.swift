import Clocks
import Contracts

/// Makes the envelopes of one service: its source, its clock, its identifiers.
package struct MessageFactory: Sendable {
    private let source: String
    private let time: any TimeSource
    private let random: any RandomSource

    /// - Parameter service: the service's name; the CloudEvents source is `/holdfast/<service>`.
    package init(service: String, time: any TimeSource, random: any RandomSource) {
        source = "/holdfast/\(service)"
        self.time = time
        self.random = random
    }

    /// A new message about `orderID` to `topic`.
    ///
    /// - Parameters:
    ///   - id: given where a repeat must be recognised as such (commands); otherwise a fresh one.
    ///   - trace: the trace context to carry on.
    package func message(
        to topic: Topic, type: String, orderID: UUID, id: UUID? = nil, deadline: Timestamp? = nil,
        trace: TraceHeaders? = nil, payload: [UInt8]
    ) -> OutgoingMessage {
        let now = time.wallNow
        return OutgoingMessage(
            topic: topic,
            envelope: MessageEnvelope(
                id: id ?? newID(at: now), source: source, type: type, orderID: orderID, time: now,
                traceparent: trace?.traceparent, tracestate: trace?.tracestate, deadline: deadline,
                payload: payload))
    }

    /// A fresh time-ordered identifier.
    package func newID(at time: Timestamp) -> UUID {
        UUID.version7(at: time, random: random)
    }

    /// The wall clock of this service.
    package var wallNow: Timestamp { time.wallNow }
}

extension MessageFactory {
    /// The reply to a command, on the saga's topic.
    package func reply(_ reply: CommandReply, to command: MessageEnvelope? = nil) -> OutgoingMessage {
        message(
            to: .sagaReplies, type: MessageType.commandReply, orderID: reply.orderID, trace: command?.trace,
            payload: reply.encoded)
    }

    /// A fact, caused by the message it follows.
    package func event(
        _ fact: OrderFact, type: String, to topic: Topic, following cause: MessageEnvelope? = nil
    ) -> OutgoingMessage {
        message(to: topic, type: type, orderID: fact.orderID, trace: cause?.trace, payload: fact.encoded)
    }
}
