import Clocks
import JSON

/// What a token says, for as much of it as is used here.
struct TokenClaims: Sendable, Hashable {
    /// `sub`: 1 to 255 visible ASCII characters.
    var subject: String
    var scopes: Set<Scope>
    var issuer: String?
    var audiences: [String]
    var expiry: Timestamp
    var notBefore: Timestamp?
    var issuedAt: Timestamp?

    /// Reads the claims of a token whose signature has been verified. `exp` and `sub` are required; an unknown claim means
    /// nothing.
    init(_ payload: [UInt8]) throws(TokenRefusal) {
        let claims = try JSONWebToken.object(payload, "payload")
        guard let subject = try Self.string(claims, "sub") else { throw .badClaim("there is no sub") }
        guard (1...255).contains(subject.utf8.count), subject.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .badClaim("sub is not 1 to 255 visible ASCII characters")
        }
        self.subject = subject
        scopes = Scope.read(try Self.string(claims, "scope") ?? "")
        issuer = try Self.string(claims, "iss")
        audiences = try Self.audiences(claims)
        guard let expiry = try Self.time(claims, "exp") else { throw .badClaim("there is no exp") }
        self.expiry = expiry
        notBefore = try Self.time(claims, "nbf")
        issuedAt = try Self.time(claims, "iat")
    }

    private static func string(_ claims: JSONValue, _ name: StaticString) throws(TokenRefusal) -> String? {
        guard let value = claims[name] else { return nil }
        guard let text = value.string else { throw .badClaim("\(name) is no string") }
        return text
    }

    private static func audiences(_ claims: JSONValue) throws(TokenRefusal) -> [String] {
        guard let value = claims["aud"] else { return [] }
        if let text = value.string { return [text] }
        let texts = value.elements.compactMap(\.string)
        guard value.kind == .array, texts.count == value.count else {
            throw .badClaim("aud is neither a string nor a list of strings")
        }
        return texts
    }

    /// A number of seconds since 1970, fractions allowed, up to the year 9999.
    private static func time(_ claims: JSONValue, _ name: StaticString) throws(TokenRefusal) -> Timestamp? {
        guard let value = claims[name] else { return nil }
        guard let seconds = value.double, (0...253_402_300_799).contains(seconds) else {
            throw .badClaim("\(name) is no time in seconds since 1970")
        }
        return Timestamp(microseconds: Int64(seconds * 1_000_000))
    }
}
