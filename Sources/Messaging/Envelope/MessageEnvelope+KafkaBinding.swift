import Clocks

/// The CloudEvents Kafka protocol binding in binary mode: attributes are `ce_` headers, the value is the payload.
extension MessageEnvelope {
    /// The record's headers, in a fixed order.
    package var kafkaHeaders: [(name: String, value: [UInt8])] {
        var headers: [(name: String, value: [UInt8])] = []
        headers.reserveCapacity(10)
        func add(_ name: String, _ value: String) {
            headers.append((name, Array(value.utf8)))
        }
        add("ce_specversion", "1.0")
        add("ce_id", id.description)
        add("ce_source", source)
        add("ce_type", type)
        add("ce_time", time.description)
        add("ce_subject", orderID.description)
        add("content-type", "application/json")
        if let traceparent { add("traceparent", traceparent) }
        if let tracestate { add("tracestate", tracestate) }
        if let deadline { add("deadline", String(deadline.milliseconds)) }
        return headers
    }

    /// The record's key: the order's id as text, so that an order's messages keep their order.
    package var kafkaKey: [UInt8] { Array(orderID.description.utf8) }

    /// Reads a record in binary mode. Headers it does not know are ignored.
    package init(kafkaHeaders headers: [(name: String, value: [UInt8]?)], payload: [UInt8]?) throws(EnvelopeError) {
        var fields: [String: String] = [:]
        for (name, value) in headers {
            guard let value else { continue }
            guard let text = String(validating: value, as: UTF8.self) else {
                // Only what we read must be readable.
                if Self.known.contains(name) {
                    throw .invalidHeader(name, value: String(decoding: value.prefix(64), as: UTF8.self))
                }
                continue
            }
            fields[name] = text
        }
        func required(_ name: String) throws(EnvelopeError) -> String {
            guard let value = fields[name] else { throw .missingHeader(name) }
            return value
        }
        func identifier(_ name: String) throws(EnvelopeError) -> UUID {
            let text = try required(name)
            guard let id = UUID(text) else { throw .invalidHeader(name, value: text) }
            return id
        }
        let version = try required("ce_specversion")
        guard version == "1.0" else { throw .unsupportedSpecVersion(version) }
        let timeText = try required("ce_time")
        guard let time = Timestamp(rfc3339: timeText) else { throw .invalidHeader("ce_time", value: timeText) }
        var deadline: Timestamp?
        if let text = fields["deadline"] {
            guard let milliseconds = Int64(text), milliseconds >= 0, milliseconds < 1 << 50 else {
                throw .invalidHeader("deadline", value: text)
            }
            deadline = Timestamp(milliseconds: milliseconds)
        }
        guard let payload, !payload.isEmpty else { throw .emptyPayload }
        self.init(
            id: try identifier("ce_id"), source: try required("ce_source"), type: try required("ce_type"),
            orderID: try identifier("ce_subject"), time: time, traceparent: fields["traceparent"],
            tracestate: fields["tracestate"], deadline: deadline, payload: payload)
    }

    private static let known: Set<String> = [
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "traceparent", "tracestate",
        "deadline",
    ]
}
