import Clocks
import Contracts
import HTTPCodec
import JSON
import Messaging

/// The CloudEvents HTTP protocol binding: attributes are `ce-` headers and the body is the payload (binary mode), or all
/// of it is one JSON document (structured mode, read only). `traceparent`, `tracestate` and `deadline` have the names that
/// they have in Kafka.
extension MessageEnvelope {
    /// The headers in binary mode, `Content-Type` included.
    package var httpFields: HTTPFields {
        var fields = HTTPFields(reservingFields: 10, bytes: 512)
        fields.append("ce-specversion", "1.0")
        fields.append("ce-id", id.description)
        fields.append("ce-source", source)
        fields.append("ce-type", type)
        fields.append("ce-time", time.description)
        fields.append("ce-subject", orderID.description)
        fields.append("Content-Type", "application/json")
        if let traceparent { fields.append("traceparent", traceparent) }
        if let tracestate { fields.append("tracestate", tracestate) }
        if let deadline { fields.append("deadline", String(deadline.milliseconds)) }
        return fields
    }

    /// Reads an event in binary mode; headers it does not know are ignored.
    ///
    /// - Throws: 400 `invalid-parameter` with each header that is missing or wrong.
    package init(httpFields fields: HTTPFields, payload: [UInt8]) throws(ProblemDetails) {
        var reader = HeaderReader(fields)
        if let version = reader.text("ce-specversion"), version != "1.0" {
            reader.refuse("ce-specversion", "must be 1.0")
        }
        let id = reader.value("ce-id", "must be a UUID") { UUID($0) }
        let source = reader.text("ce-source")
        let type = reader.text("ce-type")
        let time = reader.value("ce-time", "must be a time in RFC 3339") { Timestamp(rfc3339: $0) }
        let orderID = reader.value("ce-subject", "must be the order's id") { UUID($0) }
        let deadline = reader.optional("deadline", Self.deadlineExpectation) { Self.readDeadline($0) }
        guard let id, let source, let type, let time, let orderID, reader.faults.isEmpty else {
            throw ProblemDetails(
                .invalidParameter, detail: "The headers are not those of a CloudEvent of ours.", errors: reader.faults)
        }
        self.init(
            id: id, source: source, type: type, orderID: orderID, time: time, traceparent: fields["traceparent"],
            tracestate: fields["tracestate"], deadline: deadline, payload: payload)
    }

    static let deadlineExpectation = "must be milliseconds since 1970"

    static func readDeadline(_ text: String) -> Timestamp? {
        guard let milliseconds = Int64(text), milliseconds >= 0, milliseconds < 1 << 50 else { return nil }
        return Timestamp(milliseconds: milliseconds)
    }
}

/// Reads headers and collects what is wrong with them.
private struct HeaderReader {
    let fields: HTTPFields
    private(set) var faults: [ProblemDetails.Fault] = []

    init(_ fields: HTTPFields) {
        self.fields = fields
    }

    mutating func refuse(_ name: String, _ detail: String) {
        faults.append(ProblemDetails.Fault(.header(name), detail))
    }

    mutating func text(_ name: String) -> String? {
        switch fields.count(of: name) {
        case 0: refuse(name, "is missing")
        case 1:
            if let text = fields[name], (1...255).contains(text.utf8.count) { return text }
            refuse(name, "must have 1 to 255 characters")
        default: refuse(name, "must be there once")
        }
        return nil
    }

    mutating func value<Value>(_ name: String, _ expectation: String, _ read: (String) -> Value?) -> Value? {
        guard let text = text(name) else { return nil }
        let value = read(text)
        if value == nil { refuse(name, expectation) }
        return value
    }

    mutating func optional<Value>(_ name: String, _ expectation: String, _ read: (String) -> Value?) -> Value? {
        fields.contains(name) ? value(name, expectation, read) : nil
    }
}
