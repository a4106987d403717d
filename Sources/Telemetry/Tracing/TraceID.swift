import Clocks

/// Names a trace: 16 bytes, never all zero (W3C Trace Context).
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// Returns nil for the all-zero identifier, which names no trace.
    package init?(high: UInt64, low: UInt64) {
        guard high | low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    package static func random(from source: some RandomSource) -> TraceID {
        while true {
            if let identifier = TraceID(high: source.next(), low: source.next()) { return identifier }
        }
    }

    /// 32 hexadecimal digits in lower case.
    package var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendHexadecimal(high)
        bytes.appendHexadecimal(low)
    }
}

/// Names a span within its trace: 8 bytes, never all zero.
package struct SpanID: Hashable, Sendable, CustomStringConvertible {
    package let value: UInt64

    /// Returns nil for zero, which names no span.
    package init?(_ value: UInt64) {
        guard value != 0 else { return nil }
        self.value = value
    }

    package static func random(from source: some RandomSource) -> SpanID {
        while true {
            if let identifier = SpanID(source.next()) { return identifier }
        }
    }

    /// 16 hexadecimal digits in lower case.
    package var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendHexadecimal(value)
    }
}
