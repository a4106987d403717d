import Clocks
import HTTPCodec
import Telemetry
import TestSupport

@testable import ServiceChassis

/// Makes tokens with any content and a good signature, and what verifies them.
enum TokenForge {
    static let key = HMACKey(Secret(TokenFixtures.secret))!
    static let header = #"{"alg":"HS256","typ":"JWT"}"#
    /// The moment the fixtures were issued; `TestTime` stands there too.
    static let now = Timestamp(milliseconds: Int64(TokenFixtures.issued) * 1000)
    static let rules: TokenRules = {
        var rules = TokenRules()
        rules.issuer = "https://issuer.example"
        rules.audience = "holdfast"
        return rules
    }()

    static func keys() throws -> KeySet {
        KeySet([TokenKey(secret: key)] + (try KeySetDocument(Array(TokenFixtures.keySet.utf8)).keys))
    }

    static func verifier() throws -> TokenVerifier {
        TokenVerifier(keys: try keys(), rules: rules)
    }

    /// A token of these texts, signed with the secret.
    static func token(header: String = header, _ payload: String) -> String {
        let signed = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(payload.utf8))
        return signed + "." + Base64URL.encode(key.signature(of: Array(signed.utf8)))
    }

    /// The claims of the fixtures with some of them given another value, as JSON text; nil leaves one out.
    static func claims(_ changes: KeyValuePairs<String, String?> = [:]) -> String {
        var members: [(String, String)] = [
            ("iss", #""https://issuer.example""#), ("aud", #""holdfast""#), ("sub", #""c-1""#),
            ("scope", #""orders:read""#), ("iat", String(TokenFixtures.issued)),
            ("exp", String(TokenFixtures.issued + 600)),
        ]
        for (name, value) in changes {
            members.removeAll { $0.0 == name }
            if let value { members.append((name, value)) }
        }
        return "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// A token for `subject` with these scopes.
    static func token(_ subject: String, _ scope: String, expires: Int = TokenFixtures.issued + 600) -> String {
        token(claims(["sub": "\"\(subject)\"", "scope": "\"\(scope)\"", "exp": String(expires)]))
    }

    static func bearer(_ token: String) -> HTTPFields { ["Authorization": "Bearer \(token)"] }

    /// Lets in whoever has a token of the forge's.
    static func authenticator(
        _ ring: KeyRing? = nil, time: any TimeSource = TestTime(), refusals: CounterFamily? = nil
    ) -> Authenticator {
        let ring =
            ring
            ?? KeyRing(secrets: [key], source: nil, time: time, random: SeededRandom(seed: 1), logger: .silent)
        return Authenticator(ring, rules: rules, time: time, logger: .silent, refusals: refusals)
    }
}
