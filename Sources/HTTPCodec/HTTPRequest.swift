import Clocks

/// A complete request: head and body have been read and checked.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// The request target as sent, in origin form (`/path?query`), or `*` for `OPTIONS`.
    package var target: String
    package var version: HTTPVersion
    package var fields: HTTPFields
    package var body: [UInt8]
    /// When the request was complete and handed out; its own deadline counts from here.
    package var receivedAt: MonotonicInstant

    package init(
        method: HTTPMethod = .get, target: String, version: HTTPVersion = .http11, fields: HTTPFields = [:],
        body: [UInt8] = [], receivedAt: MonotonicInstant = MonotonicInstant(nanoseconds: 0)
    ) {
        self.method = method
        self.target = target
        self.version = version
        self.fields = fields
        self.body = body
        self.receivedAt = receivedAt
    }
}

/// The protocol version of a request line.
package enum HTTPVersion: Hashable, Sendable {
    case http10, http11
}
