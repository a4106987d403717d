import HTTPCodec

/// An answer as it is kept with its idempotency key and given again, byte for byte.
package struct RecordedAnswer: Sendable, Hashable {
    package static let replayedHeader = "Idempotent-Replayed"

    package var status: Int
    package var contentType: String
    package var location: String?
    package var body: [UInt8]

    package init(status: Int, contentType: String = "application/json", location: String? = nil, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.location = location
        self.body = body
    }

    /// The answer to the request that made the record.
    package var first: HTTPResponse {
        var response = HTTPResponse(status: HTTPStatus(status), contentType: contentType, bytes: body)
        if let location { response.fields.append("Location", location) }
        return response
    }

    /// The answer to a repetition of it.
    package var replay: HTTPResponse {
        var response = first
        response.fields.append(Self.replayedHeader, "true")
        return response
    }
}
