/// A kind of problem an answer can name; one slug has one status.
package struct ProblemType: Hashable, Sendable {
    /// The last part of the type's URN, such as `not-found`.
    package let slug: String
    package let status: HTTPStatus
    /// One sentence for people that is the same for every occurrence.
    package let title: String

    /// A type of a program's own; those that services share are below.
    package init(_ status: Int, _ slug: String, _ title: String) {
        self.status = HTTPStatus(status)
        self.slug = slug
        self.title = title
    }

    /// The URN that stands as `type` in the document.
    package var urn: String { "urn:holdfast:problem:" + slug }

    package static let malformedRequest = ProblemType(400, "malformed-request", "The request cannot be read")
    package static let invalidParameter = ProblemType(400, "invalid-parameter", "A parameter or header is not valid")
    package static let idempotencyKeyMissing = ProblemType(
        400, "idempotency-key-missing", "The Idempotency-Key header is missing")
    package static let idempotencyKeyInvalid = ProblemType(
        400, "idempotency-key-invalid", "The Idempotency-Key header is not valid")
    package static let unauthenticated = ProblemType(401, "unauthenticated", "The caller is not known")
    package static let forbidden = ProblemType(403, "forbidden", "The caller may not do this")
    package static let notFound = ProblemType(404, "not-found", "There is no such resource")
    package static let methodNotAllowed = ProblemType(
        405, "method-not-allowed", "The resource does not have this method")
    package static let requestTimeout = ProblemType(408, "request-timeout", "The request was not complete in time")
    package static let idempotencyKeyInFlight = ProblemType(
        409, "idempotency-key-in-flight", "A request with this Idempotency-Key is being processed")
    package static let cancellationRefused = ProblemType(
        409, "cancellation-refused", "The order can no longer be cancelled")
    package static let payloadTooLarge = ProblemType(413, "payload-too-large", "The request body is too large")
    package static let uriTooLong = ProblemType(414, "uri-too-long", "The request line is too long")
    package static let unsupportedMediaType = ProblemType(
        415, "unsupported-media-type", "The body is not of a supported media type")
    package static let expectationFailed = ProblemType(
        417, "expectation-failed", "The Expect header asks for what is not supported")
    package static let validationFailed = ProblemType(422, "validation-failed", "The request is not valid")
    package static let idempotencyKeyReused = ProblemType(
        422, "idempotency-key-reused", "The Idempotency-Key was used for another request")
    package static let tooManyRequests = ProblemType(429, "too-many-requests", "Too many requests")
    package static let headersTooLarge = ProblemType(431, "headers-too-large", "The request head is too large")
    package static let internalError = ProblemType(500, "internal", "Something went wrong on our side")
    package static let overloaded = ProblemType(503, "overloaded", "The service is overloaded")
    package static let dependencyUnavailable = ProblemType(
        503, "dependency-unavailable", "Something this request needs is not available")
    package static let outcomeUnknown = ProblemType(
        503, "outcome-unknown", "It is not known whether the request took effect")
    package static let deadlineExceeded = ProblemType(504, "deadline-exceeded", "The request ran out of time")

    /// Every type that services share, in the order of their statuses.
    package static let all: [ProblemType] = [
        malformedRequest, invalidParameter, idempotencyKeyMissing, idempotencyKeyInvalid, unauthenticated, forbidden,
        notFound, methodNotAllowed, requestTimeout, idempotencyKeyInFlight, cancellationRefused, payloadTooLarge,
        uriTooLong, unsupportedMediaType, expectationFailed, validationFailed, idempotencyKeyReused, tooManyRequests,
        headersTooLarge, internalError, overloaded, dependencyUnavailable, outcomeUnknown, deadlineExceeded,
    ]

    /// Whether an answer of this type always says when to come back.
    var needsRetryAfter: Bool {
        status.code == 503 || status.code == 429 || self == .idempotencyKeyInFlight
    }
}
