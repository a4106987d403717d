import HTTPCodec

/// The client's name for one request, under which repeating it has no second effect.
package struct IdempotencyKey: Sendable, Hashable {
    package static let header = "Idempotency-Key"
    package static let maximumLength = 255

    /// The scope of clients whom nobody knows, because nobody is asked.
    package static let sharedScope = "public"

    /// Whose key it is; the same text in two scopes is two keys.
    package let scope: String
    package let text: String

    /// A key that was read before.
    init(stored text: String, scope: String) {
        self.scope = scope
        self.text = text
    }

    /// Reads the header: 1 to 255 visible ASCII characters, one pair of surrounding quotes stripped.
    ///
    /// - Throws: ``ProblemDetails`` of type `idempotency-key-missing` when it is absent or empty, of type
    ///   `idempotency-key-invalid` when it is longer, has other characters or is sent twice.
    package init(_ fields: HTTPFields, scope: String = sharedScope) throws(ProblemDetails) {
        let values = fields.values(Self.header)
        guard let value = values.first else { throw Self.missing("Send the header Idempotency-Key.") }
        guard values.count == 1 else { throw Self.invalid("is sent \(values.count) times") }
        try self.init(value, scope: scope)
    }

    /// Reads the header's value.
    package init(_ value: String, scope: String = sharedScope) throws(ProblemDetails) {
        var key = value[...]
        if key.utf8.count >= 2, key.first == "\"", key.last == "\"" { key = key.dropFirst().dropLast() }
        guard !key.isEmpty else { throw Self.missing("The header Idempotency-Key is empty.") }
        guard key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Self.invalid("may have visible ASCII characters only")
        }
        guard key.utf8.count <= Self.maximumLength else {
            throw Self.invalid("has \(key.utf8.count) characters; at most \(Self.maximumLength) are allowed")
        }
        text = String(key)
        self.scope = scope
    }

    private static func missing(_ detail: String) -> ProblemDetails {
        ProblemDetails(.idempotencyKeyMissing, detail: detail, errors: [.init(.header(header), "is required")])
    }

    private static func invalid(_ detail: String) -> ProblemDetails {
        ProblemDetails(.idempotencyKeyInvalid, detail: "\(header) \(detail)", errors: [.init(.header(header), detail)])
    }
}
