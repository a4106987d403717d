extension LogRecord {
    /// Appends the record as one JSON object and a newline.
    package func appendJSON(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "{\"timestamp\":\"".utf8)
        timestamp.append(to: &bytes)
        bytes.append(contentsOf: "\",\"level\":\"".utf8)
        bytes.append(contentsOf: level.name.utf8)
        bytes.append(contentsOf: "\",\"service\":".utf8)
        JSONText.append(service, to: &bytes)
        bytes.append(contentsOf: ",\"message\":".utf8)
        JSONText.append(message, to: &bytes)
        if let trace {
            bytes.append(contentsOf: ",\"traceId\":\"".utf8)
            trace.traceID.append(to: &bytes)
            bytes.append(contentsOf: "\",\"spanId\":\"".utf8)
            trace.spanID.append(to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        for entry in metadata.entries {
            bytes.append(UInt8(ascii: ","))
            appendKey(entry.key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            entry.value.appendJSON(to: &bytes)
        }
        bytes.append(contentsOf: "}\n".utf8)
    }

    /// A key that would repeat one of the line's own gets an underscore: members of a line are unique.
    private func appendKey(_ key: StaticString, to bytes: inout [UInt8]) {
        JSONText.append(key, to: &bytes)
        let isOwn =
            Self.ownKeys.contains { $0.hasSameBytes(as: key) }
            || (trace != nil && Self.traceKeys.contains { $0.hasSameBytes(as: key) })
        guard isOwn else { return }
        bytes.removeLast()
        bytes.append(contentsOf: "_\"".utf8)
    }

    private static let ownKeys: [StaticString] = ["timestamp", "level", "service", "message"]
    private static let traceKeys: [StaticString] = ["traceId", "spanId"]
}

extension LogValue {
    fileprivate func appendJSON(to bytes: inout [UInt8]) {
        switch self {
        case .text(let text): JSONText.append(text, to: &bytes, limit: LogRecord.longestText)
        case .integer(let value): bytes.append(contentsOf: value.description.utf8)
        case .number(let value): JSONText.append(value, to: &bytes)
        case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .uuid(let value): quoted(in: &bytes) { value.append(to: &$0) }
        case .timestamp(let value): quoted(in: &bytes) { value.append(to: &$0) }
        case .duration(let value): JSONText.append(value.inSeconds, to: &bytes)
        case .redacted: bytes.append(contentsOf: "\"[redacted]\"".utf8)
        case .null: bytes.append(contentsOf: "null".utf8)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.appendJSON(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }

    private func quoted(in bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        bytes.append(UInt8(ascii: "\""))
        body(&bytes)
        bytes.append(UInt8(ascii: "\""))
    }
}
