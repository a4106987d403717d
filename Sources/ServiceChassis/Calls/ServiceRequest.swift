import HTTPCodec
import Resilience

/// A request to another service.
package struct ServiceRequest: Sendable {
    package var method: HTTPMethod
    /// Path and query, percent-encoded, beginning with a slash.
    package var target: String
    package var fields: HTTPFields
    package var body: [UInt8]?
    /// Whether an attempt that may have been carried out is made again by itself; nil leaves it to method and key.
    ///
    /// True for calls that the service takes for one however often they come; false for calls whose caller finds out
    /// first what became of them.
    package var repeatsWhenUnknown: Bool?

    package init(_ method: HTTPMethod, _ target: String, fields: HTTPFields = [:], body: [UInt8]? = nil) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
    }

    /// Whether it only asks, so that it has no effect however often it is sent.
    var isSafe: Bool { method == .get || method == .head || method == .options }

    /// What sending it a second time would do.
    var safety: CallSafety {
        let safety = CallSafety(httpMethod: method.name, hasIdempotencyKey: fields.contains(IdempotencyKey.header))
        return switch repeatsWhenUnknown {
        case nil: safety
        case true?: safety == .unsafe ? .idempotent : safety
        case false?: .unsafe
        }
    }
}
