/// What a handler answers.
///
/// The server adds `Date`, `Content-Length` or `Transfer-Encoding`, and `Connection`; a handler that sets one of these
/// is overruled.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        case stream(HTTPBodyStream)
        /// An answer that the client does not get whole; see ``HTTPResponse/abort(after:reset:)``.
        case cut(HTTPCut)
    }

    package var status: HTTPStatus
    package var fields: HTTPFields
    package var body: Body

    package init(status: HTTPStatus, fields: HTTPFields = [:], body: Body = .bytes([])) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// An answer with that body and `Content-Type`.
    package init(status: HTTPStatus = .ok, contentType: String, bytes: [UInt8]) {
        fields = HTTPFields(reservingFields: 2, bytes: 64)
        fields.append("Content-Type", contentType)
        self.status = status
        body = .bytes(bytes)
    }

    /// A JSON document as `application/json`.
    package static func json(_ document: [UInt8], status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(status: status, contentType: "application/json", bytes: document)
    }

    /// The body when it is known as a whole; nil for a stream and for an answer that is cut.
    package var bytes: [UInt8]? {
        guard case .bytes(let bytes) = body else { return nil }
        return bytes
    }
}
