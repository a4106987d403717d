import HTTPCodec
import JSON

/// What makes two requests under one idempotency key the same: method, path, parameters, and the body as JSON.
package struct RequestFingerprint: Sendable, Hashable {
    /// A SHA-256 digest.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The fingerprint of a request; member order and white space of the document and all headers do not count.
    package init(_ context: RequestContext, _ document: JSONDocument) {
        var text: [UInt8] = []
        func append(_ part: String) {
            // Lengths keep neighbours apart.
            text.append(contentsOf: "\(part.utf8.count):\(part)".utf8)
        }
        append(context.request.method.name)
        append(String(context.path.count))
        for segment in context.path { append(segment) }
        for parameter in context.query.parameters {
            append(parameter.name)
            append(parameter.value)
        }
        append("")
        text.append(contentsOf: document.canonicalBytes)
        bytes = Digest.sha256(text)
    }
}

extension ProblemDetails {
    /// 422: the key was used for another request.
    package static var idempotencyKeyReused: ProblemDetails {
        ProblemDetails(
            .idempotencyKeyReused, detail: "The key belongs to a request with another method, path or body.",
            errors: [.init(.header(IdempotencyKey.header), "was used for another request")])
    }

    /// 409: the first request with the key has not been answered yet.
    package static var idempotencyKeyInFlight: ProblemDetails {
        ProblemDetails(
            .idempotencyKeyInFlight, detail: "The first request with this key is still being processed.",
            retryAfter: .seconds(1))
    }
}
