import Clocks

/// A value of a log line, kept typed so that a machine can search for it.
package enum LogValue: Sendable {
    case text(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case uuid(UUID)
    case timestamp(Timestamp)
    /// Written in seconds.
    case duration(Duration)
    case list([LogValue])
    /// A secret was here; the line says so and nothing more.
    case redacted
    case null

    /// The text of an error.
    package static func error(_ error: any Error) -> LogValue {
        .text(String(describing: error))
    }

    /// The text of anything that describes itself.
    package static func describing(_ value: some Sendable) -> LogValue {
        .text(String(describing: value))
    }

    package static func count(_ value: Int) -> LogValue { .integer(Int64(value)) }

    /// The text, or null.
    package static func optional(_ text: String?) -> LogValue {
        text.map { .text($0) } ?? .null
    }

    /// A secret never reaches a line: whatever it holds, it is written as redacted.
    package static func secret<Value>(_: Secret<Value>) -> LogValue { .redacted }
}

extension LogValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(nilLiteral: ()) { self = .null }
}
