import Clocks

/// What a token with a good signature must say to be accepted.
struct TokenRules: Sendable, Hashable {
    /// The `iss` that is wanted; nil accepts any and none.
    var issuer: String?
    /// Ours among those in `aud`; nil accepts only tokens that are not meant for somebody in particular.
    var audience: String?
    /// How far the issuer's clock may be from ours.
    var leeway = Duration.seconds(60)

    /// - Throws: for the first rule that the claims break.
    func check(_ claims: TokenClaims, now: Timestamp) throws(TokenRefusal) {
        try checkTimes(claims, now: now)
        if let issuer, claims.issuer != issuer {
            throw .badClaim("iss is \(claims.issuer.map(TokenRefusal.quoted) ?? "missing")")
        }
        if let audience {
            guard claims.audiences.contains(audience) else {
                throw .badClaim("aud is \(claims.audiences.first.map(TokenRefusal.quoted) ?? "missing")")
            }
        } else if let other = claims.audiences.first {
            // RFC 7519 section 4.1.3: who does not find himself in an audience has to refuse.
            throw .badClaim("it is meant for \(TokenRefusal.quoted(other)), and AUTH_AUDIENCE is not set")
        }
    }

    /// The part that changes as time goes by, for a token that passed the rest before.
    func checkTimes(_ claims: TokenClaims, now: Timestamp) throws(TokenRefusal) {
        guard now < claims.expiry.advanced(by: leeway) else { throw .expired(at: claims.expiry) }
        for time in [claims.notBefore, claims.issuedAt] {
            if let time, now.advanced(by: leeway) < time { throw .notYetValid(until: time) }
        }
    }
}
