import COpenSSL

/// SHA-256 digests.
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
}
