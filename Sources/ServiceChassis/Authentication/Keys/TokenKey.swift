/// The algorithms of signatures that are accepted (RFC 7518 section 3.1).
enum KeyAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// HMAC with SHA-256 and a secret that issuer and service share.
    case hs256 = "HS256"
    /// RSA, PKCS #1 v1.5, with SHA-256.
    case rs256 = "RS256"
    /// ECDSA over P-256 with SHA-256.
    case es256 = "ES256"
}

/// A key that verifies tokens, by the one algorithm it is for.
struct TokenKey: Sendable {
    private enum Material: Sendable {
        case secret(HMACKey)
        case publicKey(PublicKey)
    }

    /// `kid`; nil for secrets and for keys without a name.
    let id: String?
    let algorithm: KeyAlgorithm
    private let material: Material

    /// A shared secret, for HS256.
    init(secret: HMACKey) {
        id = nil
        algorithm = .hs256
        material = .secret(secret)
    }

    /// A public key, for the algorithm of its kind.
    init(id: String?, _ key: PublicKey) {
        self.id = id
        algorithm = key.algorithm
        material = .publicKey(key)
    }

    /// Whether the key's owner signed these bytes.
    func verifies(_ signature: [UInt8], of signed: [UInt8]) -> Bool {
        switch material {
        case .secret(let key): key.verifies(signature, of: signed)
        case .publicKey(let key): key.verifies(signature, of: signed)
        }
    }
}
