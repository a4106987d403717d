extension LogRecord {
    /// Appends the record as one line for people: time of day, level, service, message, then `key=value`.
    ///
    /// Control characters of values are escaped, so that no value can move the cursor or begin a line.
    package func appendText(to bytes: inout [UInt8], colour: Bool) {
        bytes.append(contentsOf: timestamp.description.utf8.dropFirst(11).dropLast())
        bytes.append(UInt8(ascii: " "))
        if colour { bytes.append(contentsOf: level.colour.utf8) }
        bytes.append(contentsOf: level.name.utf8)
        if colour { bytes.append(contentsOf: "\u{1B}[0m".utf8) }
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 8 - level.name.utf8.count))
        bytes.append(contentsOf: service.utf8)
        bytes.append(UInt8(ascii: " "))
        message.withUTF8Buffer { bytes.append(contentsOf: $0) }
        for entry in metadata.entries {
            bytes.append(UInt8(ascii: " "))
            entry.key.withUTF8Buffer { bytes.append(contentsOf: $0) }
            bytes.append(UInt8(ascii: "="))
            entry.value.appendText(to: &bytes)
        }
        if let trace {
            bytes.append(contentsOf: " traceId=".utf8)
            trace.traceID.append(to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
    }
}

extension LogLevel {
    fileprivate var colour: String {
        switch self {
        case .trace, .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .warning: "\u{1B}[33m"
        case .error: "\u{1B}[31m"
        }
    }
}

extension LogValue {
    fileprivate func appendText(to bytes: inout [UInt8]) {
        switch self {
        case .text(let text):
            let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") }
            if isPlain, text.utf8.count <= LogRecord.longestText {
                bytes.append(contentsOf: text.utf8)
            } else {
                JSONText.append(text, to: &bytes, limit: LogRecord.longestText)
            }
        case .integer(let value): bytes.append(contentsOf: value.description.utf8)
        case .number(let value): bytes.append(contentsOf: value.description.utf8)
        case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .uuid(let value): value.append(to: &bytes)
        case .timestamp(let value): value.append(to: &bytes)
        case .duration(let value): bytes.append(contentsOf: "\(value.inSeconds)s".utf8)
        case .redacted: bytes.append(contentsOf: "[redacted]".utf8)
        case .null: bytes.append(contentsOf: "-".utf8)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.appendText(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }
}
