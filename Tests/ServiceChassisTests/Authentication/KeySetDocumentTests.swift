import Testing

@testable import ServiceChassis

@Suite("Key sets")
struct KeySetDocumentTests {
    @Test("keys for RS256 and ES256 are read, and every other one is left out with its reason")
    func mixed() throws {
        let document = try KeySetDocument(Array(TokenFixtures.keySet.utf8))
        #expect(document.keys.map(\.id) == ["rsa-1", "rsa-2", "ec-1"])
        #expect(document.keys.map(\.algorithm) == [.rs256, .rs256, .es256])
        let expected = [
            "key \"rsa-small\" has 1024 bits", "key \"ec-384\" is on another curve",
            "key \"rsa-enc\" is not for signatures",
            "key \"rsa-512\" is for another algorithm", "key \"rsa-wrap\" is not for verifying",
            "key \"ec-off\" is no valid key", "key \"ec-secret\" has a secret part", "key \"shared\" has a secret part",
            "key \"ed\" is of the kind \"OKP\"", "key \"rsa-e1\" has an exponent", "key \"rsa-padded\" has no e",
            "key \"no-kind\" has no kty", "key number 16 has no kty",
        ]
        #expect(document.leftOut.count == expected.count)
        for (sentence, beginning) in zip(document.leftOut, expected) { #expect(sentence.hasPrefix(beginning)) }
    }

    @Test(
        "a document without a key that can be used is refused",
        arguments: [
            "", "{", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[],"keys":[]}"#,
            #"{"keys":[{"kty":"oct","k":"AAAA"}]}"#, #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
            #"{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}"#,
        ])
    func useless(text: String) {
        #expect(throws: KeySetDocument.Unusable.self) { try KeySetDocument(Array(text.utf8)) }
    }

    @Test("of very many keys the first are read")
    func many() throws {
        let one = try #require(TokenFixtures.keySet.firstRange(of: #"{"kty": "EC", "kid": "ec-1""#))
        let rest = TokenFixtures.keySet[one.lowerBound...]
        let key = try #require(rest.firstIndex(of: "}").map { rest[...$0] })
        let text = "{\"keys\":[" + Array(repeating: String(key), count: 70).joined(separator: ",") + "]}"
        let document = try KeySetDocument(Array(text.utf8))
        #expect(document.keys.count == KeySetDocument.maximumCount)
        #expect(document.leftOut.count == 1)
    }
}
