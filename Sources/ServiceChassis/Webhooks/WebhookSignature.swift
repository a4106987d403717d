import Clocks

/// Says who sent a webhook and when: `Webhook-Signature: t=<unix seconds>,v1=<hex>`, where the digest is the HMAC-SHA256
/// of `<t>.<body>` under a secret that sender and receiver share.
///
/// The time is signed with the body, so that a message that was overheard cannot be sent again later.
package struct WebhookSignature: Sendable, Hashable {
    package static let header = "Webhook-Signature"
    /// How far the sender's clock and ours may be apart unless the caller says otherwise.
    package static let standardTolerance = Duration.seconds(300)

    /// Whole seconds since 1970 at the sender.
    package let seconds: Int64
    private let digests: [[UInt8]]

    /// Signs a body at a moment.
    package init(signing body: [UInt8], secret: String, at time: Timestamp) {
        seconds = Self.seconds(of: time)
        digests = [Self.digest(body, seconds: seconds, secret: secret)]
    }

    /// Reads the header's value; nil when it has no time, two times, or no digest of the one form that is known. Other
    /// elements are skipped, and several digests may stand beside each other while a secret is being replaced.
    package init?(_ value: String) {
        var seconds: Int64?
        var digests: [[UInt8]] = []
        for element in value.split(separator: ",") {
            let pair = element.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { return nil }
            switch pair[0].trimmed {
            case "t":
                let digits = pair[1].trimmed
                guard seconds == nil, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                    let number = Int64(digits)
                else { return nil }
                seconds = number
            case "v1":
                guard let digest = Self.bytes(hex: pair[1].trimmed), digest.count == Digest.sha256Length,
                    digests.count < Self.maximumDigests
                else { return nil }
                digests.append(digest)
            default: continue
            }
        }
        guard let seconds, !digests.isEmpty else { return nil }
        self.seconds = seconds
        self.digests = digests
    }

    /// The header's value.
    package var text: String {
        (["t=\(seconds)"] + digests.map { "v1=\(Self.hex($0))" }).joined(separator: ",")
    }

    /// Whether the body was signed with this secret at a moment no further than `tolerance` from `now`, either way.
    package func isValid(
        for body: [UInt8], secret: String, now: Timestamp, tolerance: Duration = standardTolerance
    ) -> Bool {
        let (distance, overflow) = Self.seconds(of: now).subtractingReportingOverflow(seconds)
        guard !overflow, distance.magnitude <= UInt64(max(0, tolerance.components.seconds)) else { return false }
        let expected = Self.digest(body, seconds: seconds, secret: secret)
        return digests.contains { Digest.isEqual($0, expected) }
    }

    private static let maximumDigests = 4

    private static func seconds(of time: Timestamp) -> Int64 {
        time.milliseconds >= 0 ? time.milliseconds / 1000 : (time.milliseconds - 999) / 1000
    }

    private static func digest(_ body: [UInt8], seconds: Int64, secret: String) -> [UInt8] {
        Digest.hmacSHA256(Array("\(seconds).".utf8) + body, key: Array(secret.utf8))
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func bytes(hex: Substring) -> [UInt8]? {
        let text = Array(hex.utf8)
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let high = nibble(text[index]), let low = nibble(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
