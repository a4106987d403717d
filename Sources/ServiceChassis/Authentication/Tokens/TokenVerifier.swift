import Clocks

/// Accepts tokens or refuses them: a pure function of the keys, the rules and the time.
struct TokenVerifier: Sendable {
    var keys: KeySet
    var rules: TokenRules

    /// The claims of a token that is ours and in force.
    ///
    /// The key fixes the algorithm; the token's header can only agree with it.
    func verify(_ text: String, now: Timestamp) throws(TokenRefusal) -> TokenClaims {
        let token = try JSONWebToken(text)
        let candidates = try keys.candidates(for: token)
        guard candidates.contains(where: { $0.verifies(token.signature, of: token.signed) }) else {
            throw .badSignature
        }
        let claims = try TokenClaims(token.payload)
        try rules.check(claims, now: now)
        return claims
    }
}
