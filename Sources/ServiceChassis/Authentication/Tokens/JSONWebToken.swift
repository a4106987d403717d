import JSON

/// A token taken apart (RFC 7519 in the compact form of RFC 7515), not yet verified.
///
/// Reading is strict: three parts of base64url without padding, a header that is a JSON object without repeated members.
/// The claims are left as bytes, so that nothing in them is looked at before the signature has been.
struct JSONWebToken: Sendable, Hashable {
    /// Longer ones are refused unread. The head of a request may have twice as much.
    static let maximumLength = 8192

    let algorithm: KeyAlgorithm
    /// `kid`: which key the token says it was signed with.
    let keyID: String?
    /// What the signature is over.
    let signed: [UInt8]
    let signature: [UInt8]
    let payload: [UInt8]

    init(_ text: String) throws(TokenRefusal) {
        guard text.utf8.count <= Self.maximumLength else {
            throw .malformed("it has \(text.utf8.count) bytes, more than \(Self.maximumLength)")
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("it has \(parts.count) parts, not 3") }
        let header = try Self.object(try Self.decoded(parts[0], "header"), "header")
        algorithm = try Self.algorithm(header)
        keyID = try Self.optionalString(header, "kid")
        payload = try Self.decoded(parts[1], "payload")
        signature = try Self.decoded(parts[2], "signature")
        signed = Array(text.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
    }

    /// The algorithm, once the header has been found to ask for nothing else.
    private static func algorithm(_ header: JSONValue) throws(TokenRefusal) -> KeyAlgorithm {
        guard header["crit"] == nil else { throw .unsupported("its header has crit") }
        guard header["zip"] == nil, header["enc"] == nil, header["b64"] == nil else {
            throw .unsupported("its header has zip, enc or b64")
        }
        if let type = try optionalString(header, "typ") {
            // Other kinds of tokens by the same issuer, such as those of a logout, are told apart by this alone.
            let lowered = type.lowercased()
            let name = lowered.hasPrefix("application/") ? lowered.dropFirst("application/".count) : lowered[...]
            guard name == "jwt" || name == "at+jwt" else {
                throw .unsupported("its typ is \(TokenRefusal.quoted(type))")
            }
        }
        guard let name = try optionalString(header, "alg") else { throw .malformed("its header has no alg") }
        guard let algorithm = KeyAlgorithm(rawValue: name) else {
            throw .unsupported("its alg is \(TokenRefusal.quoted(name))")
        }
        return algorithm
    }

    private static func optionalString(_ header: JSONValue, _ name: StaticString) throws(TokenRefusal) -> String? {
        guard let value = header[name] else { return nil }
        guard let text = value.string else { throw .malformed("\(name) of its header is no string") }
        return text
    }

    private static func decoded(_ part: Substring, _ name: String) throws(TokenRefusal) -> [UInt8] {
        guard !part.isEmpty else { throw .malformed("its \(name) is empty") }
        guard let bytes = Base64URL.decode(String(part)) else {
            throw .malformed("its \(name) is not base64url without padding")
        }
        return bytes
    }

    /// The object that these bytes are, and nothing else.
    static func object(_ bytes: [UInt8], _ name: String) throws(TokenRefusal) -> JSONValue {
        let root: JSONValue
        do {
            root = try JSONDocument(parsing: bytes, maximumDepth: 8).root
        } catch {
            throw .malformed("its \(name) is not acceptable JSON: \(error)")
        }
        guard root.kind == .object else { throw .malformed("its \(name) is no JSON object") }
        return root
    }
}
