import COpenSSL

/// SHA-256 digests, plain and keyed.
package enum Digest {
    package static let sha256Length = 32

    /// The digest of `bytes`.
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: sha256Length) { buffer, count in
            // The one-shot call keeps nothing and cannot fail for a buffer of the right size.
            SHA256(bytes, bytes.count, buffer.baseAddress)
            count = sha256Length
        }
    }

    /// The HMAC-SHA256 (RFC 2104) of `bytes` under `key`.
    package static func hmacSHA256(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: sha256Length) { buffer, count in
            var length = UInt32(sha256Length)
            // It fails only when there is no memory.
            let result = HMAC(
                EVP_sha256(), key, Int32(key.count), bytes, bytes.count, buffer.baseAddress, &length)
            precondition(result != nil && Int(length) == sha256Length, "OpenSSL gave no HMAC-SHA256")
            count = sha256Length
        }
    }

    /// Whether two digests are equal, in a time that does not say where they differ.
    package static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
