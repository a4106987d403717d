/// Why the codec answers a request itself and closes the connection.
package enum HTTPRefusal: Error, Hashable, Sendable {
    /// The bytes are not one well-formed request; nothing of them is interpreted.
    case malformed
    /// The request line asks for another major version of HTTP.
    case versionNotSupported
    /// `CONNECT`, a method longer than any known one, or a transfer coding besides chunked.
    case notImplemented
    case requestLineTooLong
    case headTooLarge
    case bodyTooLarge
    case expectationFailed
    /// Head or body were not complete in time.
    case timeout

    package var status: HTTPStatus { response(limits: HTTPLimits()).status }

    /// The answer: a problem document where the contract names one, otherwise a bare status.
    func response(limits: HTTPLimits) -> HTTPResponse {
        switch self {
        case .malformed: HTTPResponse(status: .badRequest)
        case .versionNotSupported: HTTPResponse(status: .versionNotSupported)
        case .notImplemented: HTTPResponse(status: .notImplemented)
        case .requestLineTooLong:
            ProblemDetails(.uriTooLong, detail: "the request line is over \(limits.headBytes) bytes").response()
        case .headTooLarge:
            ProblemDetails(
                .headersTooLarge,
                detail: "the head is over \(limits.headBytes) bytes or has over \(limits.fieldCount) fields"
            ).response()
        case .bodyTooLarge:
            ProblemDetails(.payloadTooLarge, detail: "the body is over \(limits.bodyBytes) bytes").response()
        case .expectationFailed:
            ProblemDetails(.expectationFailed, detail: "only 100-continue can be expected").response()
        case .timeout:
            ProblemDetails(.requestTimeout, detail: "the head or the body did not arrive in time").response()
        }
    }
}
