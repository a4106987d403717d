import Clocks
import Testing

@testable import ServiceChassis

@Suite("Webhook signatures")
struct WebhookSignatureTests {
    private static let body = Array(#"{"id":"evt_1"}"#.utf8)
    private static let secret = "s3cret-of-a-test"
    private static let time = Timestamp(milliseconds: 1_700_000_000_999)
    /// Made by `openssl dgst -sha256 -hmac`.
    private static let digest = "d0b4f8c081e99f5dc3c9465b3facf9323bf495fdeaf0f32488dee24fc1f8525e"

    private static func isValid(
        _ value: String, body: [UInt8] = body, secret: String = secret, now: Timestamp = time
    ) -> Bool {
        WebhookSignature(value)?.isValid(for: body, secret: secret, now: now) ?? false
    }

    @Test("the keyed digest is that of RFC 4231, case 1")
    func vector() {
        let digest = Digest.hmacSHA256(Array("Hi There".utf8), key: [UInt8](repeating: 0x0B, count: 20))
        #expect(digest.prefix(4) == [0xB0, 0x34, 0x4C, 0x61] && digest.suffix(4) == [0x2E, 0x32, 0xCF, 0xF7])
    }

    @Test("the digest is that of another implementation, over the time and the body")
    func oracle() {
        let signature = WebhookSignature(signing: Self.body, secret: Self.secret, at: Self.time)
        #expect(signature.text == "t=1700000000,v1=\(Self.digest)")
        #expect(Self.isValid(signature.text))
    }

    @Test("another body, secret or time is not what was signed")
    func altered() {
        #expect(!Self.isValid("t=1700000000,v1=\(Self.digest)", body: Array(#"{"id":"evt_2"}"#.utf8)))
        #expect(!Self.isValid("t=1700000000,v1=\(Self.digest)", secret: "another"))
        #expect(!Self.isValid("t=1700000001,v1=\(Self.digest)"))
    }

    @Test("the sender's clock may be off by the tolerance, either way, and no more", arguments: [-1, 1])
    func tolerance(direction: Int) {
        let value = "t=1700000000,v1=\(Self.digest)"
        #expect(Self.isValid(value, now: Self.time.advanced(by: .seconds(300 * direction))))
        #expect(!Self.isValid(value, now: Self.time.advanced(by: .seconds(301 * direction))))
    }

    @Test("one of several digests is enough, and elements of later versions are skipped")
    func several() {
        let other = String(repeating: "0", count: 64)
        #expect(Self.isValid("t=1700000000, v1=\(other), v1=\(Self.digest), v2=x"))
        #expect(Self.isValid("v1=\(Self.digest.uppercased()),t=1700000000"))
        #expect(!Self.isValid("t=1700000000,v1=\(other)"))
    }

    @Test(
        "what is no signature is not read",
        arguments: [
            "", "t=1", "v1=\(digest)", "t=x,v1=\(digest)", "t=,v1=\(digest)", "t=1,t=2,v1=\(digest)", "t=1,v1=00",
            "t=-1,v1=\(digest)", "t=99999999999999999999,v1=\(digest)", "t=1,v1=g\(digest.dropFirst())", "t=1,v1",
            "t=1" + String(repeating: ",v1=\(digest)", count: 5),
        ])
    func unreadable(value: String) {
        #expect(WebhookSignature(value) == nil)
    }

    @Test("a time at the end of the number line is refused without a trap")
    func extremes() {
        #expect(!Self.isValid("t=9223372036854775807,v1=\(Self.digest)", now: Timestamp(microseconds: .min)))
    }
}
