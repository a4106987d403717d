import Clocks
import Telemetry
import Testing

@testable import ServiceChassis

@Suite("Tokens")
struct TokenVerifierTests {
    static func refusal(_ token: String, now: Timestamp = TokenForge.now) throws -> TokenRefusal? {
        let verifier = try TokenForge.verifier()
        do {
            _ = try verifier.verify(token, now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test("tokens by another implementation are accepted", arguments: TokenFixtures.good)
    func accepted(name: String, token: String) throws {
        let claims = try TokenForge.verifier().verify(token, now: TokenForge.now)
        #expect(claims.subject == "c-1")
        #expect(claims.scopes == [.ordersRead, .ordersWrite])
    }

    @Test("attacks are refused, whatever keys and secret there are", arguments: TokenFixtures.bad)
    func attacks(name: String, token: String) throws {
        #expect(try Self.refusal(token) != nil)
    }

    @Test(
        "an attack is refused for what it is",
        arguments: [
            ("none", "unsupported"), ("noneWithSignature", "unsupported"), ("hs256ByPublicKeyText", "bad-signature"),
            ("hs256ByModulus", "bad-signature"), ("hs256ByEmptySecret", "bad-signature"), ("hs512", "unsupported"),
            ("ps256", "unsupported"), ("ps256CalledRS256", "bad-signature"), ("rs256BySmallKey", "unknown-key"),
            ("rs256ByForeignKey", "bad-signature"), ("rs256ByOtherKeyOfOurs", "bad-signature"),
            ("rs256ByUnknownKey", "unknown-key"), ("rs256WithoutKeyID", "unknown-key"),
            ("rs256ByKeyInHeader", "bad-signature"), ("rs256ByKeyOfOtherKind", "unknown-key"),
            ("es256InDER", "bad-signature"), ("es256OfZeros", "bad-signature"), ("critical", "unsupported"),
            ("unencodedPayload", "unsupported"), ("logoutToken", "unsupported"), ("keyIDIsANumber", "malformed"),
        ])
    func reasons(name: String, label: String) throws {
        let token = try #require(TokenFixtures.bad.first { $0.name == name }?.token)
        #expect(try Self.refusal(token)?.label == label)
    }

    @Test("without a secret no token by HS256 is accepted, and without key set none by another algorithm")
    func onlyKeys() throws {
        let publicKeys = try KeySetDocument(Array(TokenFixtures.keySet.utf8)).keys
        let asymmetric = TokenVerifier(keys: KeySet(publicKeys), rules: TokenForge.rules)
        let symmetric = TokenVerifier(keys: KeySet([TokenKey(secret: TokenForge.key)]), rules: TokenForge.rules)
        for (name, token) in TokenFixtures.good {
            let isSymmetric = name.hasPrefix("hs")
            #expect((try? asymmetric.verify(token, now: TokenForge.now)) != nil || isSymmetric, "\(name)")
            #expect((try? symmetric.verify(token, now: TokenForge.now)) == nil || isSymmetric, "\(name)")
            let other = isSymmetric ? asymmetric : symmetric
            #expect(throws: TokenRefusal.self, "\(name)") { try other.verify(token, now: TokenForge.now) }
        }
    }

    @Test(
        "claims are wanted in full and of the right type",
        arguments: [
            (["exp": nil], "bad-claim"), (["exp": "\"1767226200\""], "bad-claim"), (["exp": "1e400"], "bad-claim"),
            (["exp": "-1"], "bad-claim"), (["exp": "true"], "bad-claim"), (["exp": "1767225539"], "expired"),
            (["exp": "1767225540"], "expired"), (["exp": "1767225540.5"], nil), (["exp": "1767225541"], nil),
            (["nbf": "1767225660"], nil), (["nbf": "1767225661"], "not-yet-valid"), (["nbf": "null"], "bad-claim"),
            (["iat": "1767225660"], nil), (["iat": "1767225661"], "not-yet-valid"), (["iat": nil], nil),
            (["iss": "\"https://issuer.example/\""], "bad-claim"), (["iss": nil], "bad-claim"),
            (["iss": "[\"https://issuer.example\"]"], "bad-claim"), (["aud": nil], "bad-claim"),
            (["aud": "\"holdfast2\""], "bad-claim"), (["aud": "[]"], "bad-claim"),
            (["aud": "[\"a\",\"b\"]"], "bad-claim"),
            (["aud": "[\"holdfast\",1]"], "bad-claim"), (["aud": "[\"a\",\"holdfast\"]"], nil),
            (["aud": "{\"holdfast\":1}"], "bad-claim"), (["sub": nil], "bad-claim"), (["sub": "\"\""], "bad-claim"),
            (["sub": "1"], "bad-claim"), (["sub": "\"a b\""], "bad-claim"), (["sub": "\"\\u00e4\""], "bad-claim"),
            (["sub": "\"c\\u0000\""], "bad-claim"), (["scope": "[\"operator\"]"], "bad-claim"), (["scope": nil], nil),
            (["more": "{\"a\":[1,2]}"], nil), (["more": "[[[[[[[[[1]]]]]]]]]"], "malformed"),
        ] as [(KeyValuePairs<String, String?>, String?)])
    func claims(changes: KeyValuePairs<String, String?>, label: String?) throws {
        #expect(try Self.refusal(TokenForge.token(TokenForge.claims(changes)))?.label == label)
    }

    @Test("repeated members, and what is no object, are refused in both parts")
    func structure() throws {
        let claims = TokenForge.claims()
        #expect(try Self.refusal(TokenForge.token(claims)) == nil)
        for payload in [
            String(claims.dropLast()) + ",\"exp\":1767226200}",
            String(claims.dropLast()) + ",\"\\u0065xp\":1767226200}", "[]", "\"x\"",
            claims + " x", String(claims.dropLast()), "\u{FEFF}" + claims,
        ] {
            #expect(try Self.refusal(TokenForge.token(payload))?.label == "malformed", "\(payload)")
        }
        for header in [
            #"{"alg":"HS256","alg":"none"}"#, #"{"alg":"none","\u0061lg":"HS256"}"#, "[\"HS256\"]", "{}",
            #"{"alg":null}"#, #"{"alg":["HS256"]}"#, "",
        ] {
            #expect(try Self.refusal(TokenForge.token(header: header, claims))?.label == "malformed", "\(header)")
        }
        for header in [
            #"{"alg":"hs256"}"#, #"{"alg":"HS256 "}"#, #"{"alg":"HS256","crit":[]}"#, #"{"alg":"HS256","crit":null}"#,
            #"{"alg":"HS256","zip":"DEF"}"#, #"{"alg":"HS256","typ":"JWE"}"#,
        ] {
            #expect(try Self.refusal(TokenForge.token(header: header, claims))?.label == "unsupported", "\(header)")
        }
    }

    @Test("the compact form is read strictly: no padding, no blanks, no further parts, no other alphabet")
    func compactForm() throws {
        let token = TokenForge.token(TokenForge.claims())
        let parts = token.split(separator: ".").map(String.init)
        #expect(try Self.refusal(token) == nil)
        for variant in [
            token + "=", token + "\n", " " + token, token + ".", "." + token, token + "." + parts[2],
            parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".", parts[0] + ".." + parts[2], "", ".", "..",
            parts[0] + "=." + parts[1] + "." + parts[2], parts[0] + "." + parts[1] + "==." + parts[2],
            token.replacing("-", with: "+") + "+", parts[0] + "." + parts[1] + "." + String(parts[2].dropLast(2)),
            String(token.dropLast(44)), parts[0] + "." + parts[1] + "." + parts[2] + "AAAA",
        ] {
            #expect(try Self.refusal(variant) != nil, "\(variant)")
        }
        // The last character of a signature of 32 bytes has two bits that mean nothing: they have to be 0.
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        let same = alphabet.filter { (try? Self.refusal(String(token.dropLast()) + String($0))) == .some(nil) }
        #expect(same == String(token.suffix(1)))
    }

    @Test("a token that is too long is refused unread")
    func length() throws {
        let long = TokenForge.token(TokenForge.claims(["pad": "\"" + String(repeating: "x", count: 7000) + "\""]))
        #expect(long.utf8.count > JSONWebToken.maximumLength)
        #expect(try Self.refusal(long)?.label == "malformed")
        let shorter = TokenForge.token(TokenForge.claims(["pad": "\"" + String(repeating: "x", count: 5000) + "\""]))
        #expect(try Self.refusal(shorter) == nil)
    }

    @Test("without an audience of ours, a token for somebody in particular is refused and one for nobody accepted")
    func noAudience() throws {
        let verifier = TokenVerifier(keys: try TokenForge.keys(), rules: TokenRules())
        let forNobody = TokenForge.token(TokenForge.claims(["aud": nil, "iss": nil]))
        #expect(try verifier.verify(forNobody, now: TokenForge.now).subject == "c-1")
        #expect(throws: TokenRefusal.self) {
            try verifier.verify(TokenForge.token(TokenForge.claims()), now: TokenForge.now)
        }
    }

    @Test("what a token says stands in a log on one line and not at length")
    func quoting() {
        #expect(TokenRefusal.quoted("a\nb\u{7F}") == "\"a?b?\"")
        #expect(TokenRefusal.quoted(String(repeating: "x", count: 100_000)).count < 70)
    }
}

@Suite("Signatures of the standard's examples")
struct StandardExampleTests {
    /// The header and claims of RFC 7515 appendix A differ from one example to the next by `alg` alone.
    static let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

    static func verifies(_ key: TokenKey, _ header: String, _ signature: String) throws -> Bool {
        key.verifies(
            try #require(Base64URL.decode(signature)), of: Array("\(header).\(claims)".utf8))
    }

    static func publicKey(_ text: String) throws -> TokenKey {
        try #require(try KeySetDocument(Array("{\"keys\":[\(text)]}".utf8)).keys.first)
    }

    @Test("HS256, appendix A.1")
    func hs256() throws {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        let key = TokenKey(secret: try #require(HMACKey(bytes: Base64URL.decode(secret) ?? [])))
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        #expect(try Self.verifies(key, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", signature))
        #expect(try !Self.verifies(key, "eyJhbGciOiJSUzI1NiJ9", signature))
    }

    @Test("RS256, appendix A.2")
    func rs256() throws {
        let key = try Self.publicKey(
            """
            {"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP\
            1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KX\
            BdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkML\
            s91kzk2PAcDTW9gb54h4FRWyuXpoQ"}
            """)
        let signature = """
            cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1d\
            nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwus\
            C-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
            """
        #expect(try Self.verifies(key, "eyJhbGciOiJSUzI1NiJ9", signature))
        #expect(try !Self.verifies(key, "eyJhbGciOiJFUzI1NiJ9", signature))
    }

    @Test("ES256, appendix A.3")
    func es256() throws {
        let key = try Self.publicKey(
            """
            {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
            """)
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        #expect(try Self.verifies(key, "eyJhbGciOiJFUzI1NiJ9", signature))
        #expect(try !Self.verifies(key, "eyJhbGciOiJSUzI1NiJ9", signature))
    }
}
