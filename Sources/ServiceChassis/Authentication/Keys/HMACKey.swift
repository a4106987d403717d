import COpenSSL
import Telemetry

/// A shared secret, for signing and verifying with HMAC-SHA-256 (RFC 2104).
struct HMACKey: Sendable, Equatable {
    /// RFC 7518 section 3.2: a key as long as the digest, or longer.
    static let minimumLength = 32

    private let bytes: Secret<[UInt8]>

    /// The bytes of the secret's text; nil for one that is too short to be one.
    init?(_ secret: Secret<String>) {
        self.init(bytes: Array(secret.reveal().utf8))
    }

    /// A secret of these bytes; nil for too few.
    init?(bytes: [UInt8]) {
        guard bytes.count >= Self.minimumLength else { return nil }
        self.bytes = Secret(bytes)
    }

    func signature(of signed: [UInt8]) -> [UInt8] {
        let key = bytes.reveal()
        return [UInt8](unsafeUninitializedCapacity: Digest.sha256Length) { buffer, count in
            var length: UInt32 = 0
            let result = HMAC(
                EVP_sha256(), key, Int32(key.count), signed, signed.count, buffer.baseAddress, &length)
            precondition(result != nil && Int(length) == Digest.sha256Length, "OpenSSL cannot compute HMAC-SHA-256")
            count = Digest.sha256Length
        }
    }

    /// Whether it is the signature of these bytes; takes the same time wherever the two differ.
    func verifies(_ signature: [UInt8], of signed: [UInt8]) -> Bool {
        let expected = self.signature(of: signed)
        return expected.count == signature.count && CRYPTO_memcmp(expected, signature, expected.count) == 0
    }
}
