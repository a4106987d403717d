import Clocks

/// A finished span, as it is exported.
package struct SpanData: Sendable {
    package var name: String
    package var kind: SpanKind
    package var context: TraceContext
    /// Nil for the root of a trace.
    package var parent: SpanID?
    package var start: Timestamp
    package var end: Timestamp
    package var attributes: [SpanAttribute]
    /// Spans of other traces that led to this one, such as the messages of a batch.
    package var links: [TraceContext]
    package var status: SpanStatus
}

/// On which side of which conversation a span stands; numbered as OTLP has them.
package enum SpanKind: Int, Sendable {
    case `internal` = 1
    case server, client, producer, consumer
}

package enum SpanStatus: Hashable, Sendable {
    case unset
    case ok
    case error(String)
}

package struct SpanAttribute: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case text(String)
        case integer(Int64)
        case number(Double)
        case boolean(Bool)
    }

    package var key: String
    package var value: Value

    package init(_ key: String, _ value: Value) {
        self.key = key
        self.value = value
    }
}

extension SpanAttribute.Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
}
