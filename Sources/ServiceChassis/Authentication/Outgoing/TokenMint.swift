import Clocks
import JSON

/// Signs tokens by HS256.
struct TokenMint: Sendable {
    private let key: HMACKey
    private let issuer: String?
    private let audience: String?

    /// A mint whose tokens pass these rules.
    init(_ key: HMACKey, rules: TokenRules) {
        self.key = key
        issuer = rules.issuer
        audience = rules.audience
    }

    /// A token that is good from now on for `lifetime`.
    func token(subject: String, scope: String, lifetime: Duration, now: Timestamp) -> String {
        var header = JSONWriter(capacity: 32)
        header.object {
            $0.member("alg", KeyAlgorithm.hs256.rawValue)
            $0.member("typ", "JWT")
        }
        var claims = JSONWriter(capacity: 256)
        claims.object {
            if let issuer { $0.member("iss", issuer) }
            if let audience { $0.member("aud", audience) }
            $0.member("sub", subject)
            $0.member("scope", scope)
            $0.member("iat", now.milliseconds / 1000)
            $0.member("exp", now.advanced(by: lifetime).milliseconds / 1000)
        }
        let signed = Base64URL.encode(header.bytes) + "." + Base64URL.encode(claims.bytes)
        return signed + "." + Base64URL.encode(key.signature(of: Array(signed.utf8)))
    }
}
