import HTTPCodec

/// A request to another service of the suite.
package struct ServiceRequest: Sendable {
    package var method: HTTPMethod
    /// Path and query, percent-encoded, beginning with a slash.
    package var target: String
    package var fields: HTTPFields
    package var body: [UInt8]?

    package init(_ method: HTTPMethod, _ target: String, fields: HTTPFields = [:], body: [UInt8]? = nil) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
    }

    /// Whether it only asks, so that it has no effect however often it is sent.
    var isSafe: Bool { method == .get || method == .head || method == .options }

    /// Whether doing it twice is the same as doing it once.
    var isRepeatable: Bool {
        isSafe || method == .put || method == .delete || fields.contains(IdempotencyKey.header)
    }
}
