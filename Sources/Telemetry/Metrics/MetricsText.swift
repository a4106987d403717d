/// Writes the Prometheus text format, version 0.0.4.
package struct MetricsText: Sendable {
    package private(set) var bytes: [UInt8] = []

    init() {
        bytes.reserveCapacity(16 * 1024)
    }

    mutating func family(_ name: String, help: String, type: MetricType) {
        bytes.append(contentsOf: "# HELP ".utf8)
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: " "))
        Self.append(help, to: &bytes, escapingQuotes: false)
        bytes.append(contentsOf: "\n# TYPE ".utf8)
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: type.rawValue.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func sample(_ name: String, suffix: String = "", _ labels: String, bound: String? = nil, _ value: UInt64) {
        begin(name, suffix, labels, bound)
        bytes.append(contentsOf: value.description.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func sample(_ name: String, suffix: String = "", _ labels: String, _ value: Double) {
        begin(name, suffix, labels, nil)
        bytes.append(contentsOf: Self.number(value).utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func begin(_ name: String, _ suffix: String, _ labels: String, _ bound: String?) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: suffix.utf8)
        if !labels.isEmpty || bound != nil {
            bytes.append(UInt8(ascii: "{"))
            bytes.append(contentsOf: labels.utf8)
            if let bound {
                bytes.append(contentsOf: (labels.isEmpty ? "le=\"" : ",le=\"").utf8)
                bytes.append(contentsOf: bound.utf8)
                bytes.append(UInt8(ascii: "\""))
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
    }

    /// A number as the format has it: whole numbers without a fraction, `NaN`, `+Inf`, `-Inf`.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return whole.description }
        return value.description
    }

    /// The inside of the braces, with backslash, quote and newline of values escaped.
    static func labels(_ names: [String], _ values: [String]) -> String {
        var bytes: [UInt8] = []
        for (name, value) in zip(names, values) {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            append(value, to: &bytes, escapingQuotes: true)
            bytes.append(UInt8(ascii: "\""))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ text: String, to bytes: inout [UInt8], escapingQuotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where escapingQuotes: bytes.append(contentsOf: "\\\"".utf8)
            default: bytes.append(byte)
            }
        }
    }
}
