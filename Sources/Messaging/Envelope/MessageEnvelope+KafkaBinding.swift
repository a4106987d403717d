import Clocks

/// The CloudEvents Kafka protocol binding in binary mode: attributes are `ce_` headers, the value is the payload.
extension MessageEnvelope {
    /// The record's headers, in a fixed order.
    package var kafkaHeaders: [(name: String, value: [UInt8])] {
        var headers: [(name: String, value: [UInt8])] = []
        headers.reserveCapacity(11)
        func add(_ name: String, _ value: String) {
            headers.append((name, Array(value.utf8)))
        }
        add("ce_specversion", "1.0")
        add("ce_id", id.description)
        add("ce_source", source)
        if let process { add("ce_process", process) }
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
        // A value that is not text stands for nothing in a header that we do not read.
        var (version, id, source, process, type): (String?, String?, String?, String?, String?)
        var (time, subject, traceparent, tracestate, deadlineText): (String?, String?, String?, String?, String?)
        for (name, value) in headers {
            guard let value else { continue }
            func text() throws(EnvelopeError) -> String {
                if let text = String(validating: value, as: UTF8.self) { return text }
                throw .invalidHeader(name, value: String(decoding: value.prefix(64), as: UTF8.self))
            }
            switch name {
            case "ce_specversion": version = try text()
            case "ce_id": id = try text()
            case "ce_source": source = try text()
            case "ce_process": process = try text()
            case "ce_type": type = try text()
            case "ce_time": time = try text()
            case "ce_subject": subject = try text()
            case "traceparent": traceparent = try text()
            case "tracestate": tracestate = try text()
            case "deadline": deadlineText = try text()
            default: break
            }
        }
        func required(_ name: String, _ value: String?) throws(EnvelopeError) -> String {
            guard let value else { throw .missingHeader(name) }
            return value
        }
        func identifier(_ name: String, _ value: String?) throws(EnvelopeError) -> UUID {
            let text = try required(name, value)
            guard let id = UUID(text) else { throw .invalidHeader(name, value: text) }
            return id
        }
        let specVersion = try required("ce_specversion", version)
        guard specVersion == "1.0" else { throw .unsupportedSpecVersion(specVersion) }
        let timeText = try required("ce_time", time)
        guard let said = Timestamp(rfc3339: timeText) else { throw .invalidHeader("ce_time", value: timeText) }
        var deadline: Timestamp?
        if let text = deadlineText {
            guard let milliseconds = Int64(text), milliseconds >= 0, milliseconds < 1 << 50 else {
                throw .invalidHeader("deadline", value: text)
            }
            deadline = Timestamp(milliseconds: milliseconds)
        }
        guard let payload, !payload.isEmpty else { throw .emptyPayload }
        self.init(
            id: try identifier("ce_id", id), source: try required("ce_source", source), process: process,
            type: try required("ce_type", type), orderID: try identifier("ce_subject", subject), time: said,
            traceparent: traceparent, tracestate: tracestate, deadline: deadline, payload: payload)
    }
}
