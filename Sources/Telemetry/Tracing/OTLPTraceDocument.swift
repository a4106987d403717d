/// The JSON form of an OTLP trace export request (`ExportTraceServiceRequest`).
package enum OTLPTraceDocument {
    /// Encodes the spans as one resource with one scope.
    ///
    /// As OTLP's JSON mapping has it: identifiers in hexadecimal, 64-bit integers as strings, enumerations as numbers.
    package static func encode(_ spans: [SpanData], service: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + spans.count * 400)
        bytes.append(contentsOf: "{\"resourceSpans\":[{\"resource\":{\"attributes\":".utf8)
        append([SpanAttribute("service.name", .text(service))], to: &bytes)
        bytes.append(contentsOf: "},\"scopeSpans\":[{\"scope\":{\"name\":\"holdfast\"},\"spans\":[".utf8)
        for (index, span) in spans.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(span, to: &bytes)
        }
        bytes.append(contentsOf: "]}]}]}".utf8)
        return bytes
    }

    private static func append(_ span: SpanData, to bytes: inout [UInt8]) {
        append(identifiersOf: span.context, to: &bytes)
        if let parent = span.parent {
            bytes.append(contentsOf: ",\"parentSpanId\":\"".utf8)
            parent.append(to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(contentsOf: ",\"name\":".utf8)
        JSONText.append(span.name, to: &bytes)
        bytes.append(contentsOf: ",\"kind\":\(span.kind.rawValue)".utf8)
        bytes.append(contentsOf: ",\"startTimeUnixNano\":\"\(span.start.microseconds)000\"".utf8)
        bytes.append(contentsOf: ",\"endTimeUnixNano\":\"\(span.end.microseconds)000\"".utf8)
        bytes.append(contentsOf: ",\"attributes\":".utf8)
        append(span.attributes, to: &bytes)
        if !span.links.isEmpty {
            bytes.append(contentsOf: ",\"links\":[".utf8)
            for (index, link) in span.links.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(identifiersOf: link, to: &bytes)
                bytes.append(UInt8(ascii: "}"))
            }
            bytes.append(UInt8(ascii: "]"))
        }
        append(span.status, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    /// Opens an object with `traceId`, `spanId`, `traceState` and `flags`, which spans and links have alike.
    private static func append(identifiersOf context: TraceContext, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "{\"traceId\":\"".utf8)
        context.traceID.append(to: &bytes)
        bytes.append(contentsOf: "\",\"spanId\":\"".utf8)
        context.spanID.append(to: &bytes)
        bytes.append(contentsOf: "\",\"flags\":\(context.isSampled ? 1 : 0)".utf8)
        if let state = context.state {
            bytes.append(contentsOf: ",\"traceState\":".utf8)
            JSONText.append(state, to: &bytes)
        }
    }

    private static func append(_ status: SpanStatus, to bytes: inout [UInt8]) {
        switch status {
        case .unset: bytes.append(contentsOf: ",\"status\":{}".utf8)
        case .ok: bytes.append(contentsOf: ",\"status\":{\"code\":1}".utf8)
        case .error(let message):
            bytes.append(contentsOf: ",\"status\":{\"code\":2,\"message\":".utf8)
            JSONText.append(message, to: &bytes, limit: LogRecord.longestText)
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ attributes: [SpanAttribute], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, attribute) in attributes.enumerated() {
            bytes.append(contentsOf: (index > 0 ? ",{\"key\":" : "{\"key\":").utf8)
            JSONText.append(attribute.key, to: &bytes)
            bytes.append(contentsOf: ",\"value\":{".utf8)
            switch attribute.value {
            case .text(let text):
                bytes.append(contentsOf: "\"stringValue\":".utf8)
                JSONText.append(text, to: &bytes, limit: LogRecord.longestText)
            case .integer(let value): bytes.append(contentsOf: "\"intValue\":\"\(value)\"".utf8)
            case .number(let value):
                bytes.append(contentsOf: "\"doubleValue\":".utf8)
                JSONText.append(value, to: &bytes)
            case .boolean(let value): bytes.append(contentsOf: "\"boolValue\":\(value)".utf8)
            }
            bytes.append(contentsOf: "}}".utf8)
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
