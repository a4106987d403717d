import Clocks

/// A CloudEvents 1.0 message: the attributes the suite uses, the trace context and the payload.
package struct MessageEnvelope: Hashable, Sendable {
    /// Identifies the message; a repeat carries the same id, and the inbox recognises it by that.
    package var id: UUID
    /// The service that said it, such as `/holdfast/payment-service`.
    package var source: String
    /// Which of the service's processes said it, where that is known: each has a clock of its own.
    package var process: String?
    /// What was said, with its version, such as `holdfast.payment.charge-payment.v1`.
    package var type: String
    /// The order it is about: `ce_subject` and the record's key.
    package var orderID: UUID
    /// When it was said, by the sender's clock.
    package var time: Timestamp
    /// W3C trace context, when the sender had one.
    package var traceparent: String?
    package var tracestate: String?
    /// When the sender stops caring, by the sender's clock; kept to the millisecond.
    package var deadline: Timestamp?
    /// JSON.
    package var payload: [UInt8]

    package init(
        id: UUID, source: String, process: String? = nil, type: String, orderID: UUID, time: Timestamp,
        traceparent: String? = nil,
        tracestate: String? = nil, deadline: Timestamp? = nil, payload: [UInt8]
    ) {
        self.id = id
        self.source = source
        self.process = process
        self.type = type
        self.orderID = orderID
        self.time = time
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.deadline = deadline
        self.payload = payload
    }
}

/// The W3C trace context that a message carries on.
package struct TraceHeaders: Hashable, Sendable {
    package var traceparent: String?
    package var tracestate: String?

    package init(traceparent: String? = nil, tracestate: String? = nil) {
        self.traceparent = traceparent
        self.tracestate = tracestate
    }
}

extension MessageEnvelope {
    /// Whose clock `time` and `deadline` are by.
    package var sender: String { process.map { "\(source)#\($0)" } ?? source }

    /// What a message that this one causes carries on.
    package var trace: TraceHeaders { TraceHeaders(traceparent: traceparent, tracestate: tracestate) }
}
