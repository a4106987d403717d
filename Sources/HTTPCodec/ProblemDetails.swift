/// A problem document (RFC 9457): what went wrong, for programs by its type, for people by its detail.
package struct ProblemDetails: Error, Hashable, Sendable {
    /// One place of the request that needs attention.
    package struct Fault: Hashable, Sendable {
        package enum Place: Hashable, Sendable {
            /// A member of the body, as RFC 6901 pointer in a URI fragment: `#/lines/0/quantity`.
            case pointer(String)
            /// A query parameter.
            case parameter(String)
            /// A header field.
            case header(String)
        }

        package var place: Place
        package var detail: String

        package init(_ place: Place, _ detail: String) {
            self.place = place
            self.detail = detail
        }
    }

    /// A member beyond those of the RFC, such as the `reason` of a refused cancellation.
    package struct Extension: Hashable, Sendable {
        package enum Value: Hashable, Sendable {
            case string(String)
            case integer(Int64)
            case boolean(Bool)
        }

        package var name: String
        package var value: Value

        package init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// A document lists this many faults; those beyond are left out.
    package static let faultLimit = 20

    package var type: ProblemType
    package var detail: String?
    package var errors: [Fault]
    package var extensions: [Extension]
    /// When to come back, sent in whole seconds, rounded up, at least one.
    package var retryAfter: Duration?

    /// Creates a problem; a 503, a 429 and a key in flight say `Retry-After: 1` unless `retryAfter` says otherwise.
    package init(
        _ type: ProblemType, detail: String? = nil, errors: [Fault] = [], extensions: [Extension] = [],
        retryAfter: Duration? = nil
    ) {
        self.type = type
        self.detail = detail
        self.errors = errors
        self.extensions = extensions
        self.retryAfter = retryAfter ?? (type.needsRetryAfter ? .seconds(1) : nil)
    }

    /// 400 `invalid-parameter` at a query parameter.
    package static func invalidParameter(_ name: String, _ detail: String) -> ProblemDetails {
        ProblemDetails(.invalidParameter, detail: "\(name): \(detail)", errors: [Fault(.parameter(name), detail)])
    }

    /// 400 `invalid-parameter` at a header field.
    package static func invalidHeader(_ name: String, _ detail: String) -> ProblemDetails {
        ProblemDetails(.invalidParameter, detail: "\(name): \(detail)", errors: [Fault(.header(name), detail)])
    }

    /// What a path or query that cannot be read is answered with.
    package init(_ error: HTTPTargetError) {
        switch error {
        case .path(let detail):
            self.init(.malformedRequest, detail: "the path " + detail)
        case .parameter(let name, let detail):
            self = .invalidParameter(name, detail)
        }
    }
}
