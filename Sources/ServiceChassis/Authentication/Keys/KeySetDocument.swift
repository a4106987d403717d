import JSON

/// A JSON Web Key Set (RFC 7517) as it was read: the keys that can be used, and why others cannot.
struct KeySetDocument: Sendable {
    /// More keys than any issuer publishes; those beyond are left out.
    static let maximumCount = 64

    /// Why a document cannot be used at all.
    struct Unusable: Error, Sendable, Hashable, CustomStringConvertible {
        var description: String
    }

    private(set) var keys: [TokenKey] = []
    /// A sentence for each key that is left out.
    private(set) var leftOut: [String] = []

    /// Reads the document. Keys of other kinds and uses are left out, as the standard wants, and so are weak ones.
    ///
    /// - Throws: when it is no key set, or has no key that can be used.
    init(_ bytes: [UInt8]) throws(Unusable) {
        let root: JSONValue
        do {
            root = try JSONDocument(parsing: bytes).root
        } catch {
            throw Unusable(description: "it is not acceptable JSON: \(error)")
        }
        guard let list = root["keys"], list.kind == .array else {
            throw Unusable(description: "it is no key set: there is no list \"keys\"")
        }
        for (number, element) in list.elements.enumerated() {
            guard number < Self.maximumCount else {
                leftOut.append("there are \(list.count) keys; those after the first \(Self.maximumCount) are left out")
                break
            }
            let id = element["kid"]?.string
            do throws(KeyRefusal) {
                keys.append(TokenKey(id: id, try Self.key(element)))
            } catch {
                leftOut.append("key \(id.map(TokenRefusal.quoted) ?? "number \(number + 1)") \(error)")
            }
        }
        guard !keys.isEmpty else {
            throw Unusable(description: (["it has no key that can be used"] + leftOut).joined(separator: "; "))
        }
    }

    private static func key(_ key: JSONValue) throws(KeyRefusal) -> PublicKey {
        guard key.kind == .object, let kind = key["kty"]?.string else { throw KeyRefusal("has no kty") }
        guard key["kid"]?.kind ?? .string == .string else { throw KeyRefusal("has a kid that is no string") }
        if let use = key["use"] {
            guard use.string == "sig" else { throw KeyRefusal("is not for signatures") }
        }
        if let operations = key["key_ops"] {
            guard operations.elements.contains(where: { $0.string == "verify" }) else {
                throw KeyRefusal("is not for verifying")
            }
        }
        guard key["d"] == nil, key["k"] == nil else {
            throw KeyRefusal("has a secret part, which everybody who reads the set now knows")
        }
        let result: PublicKey
        switch kind {
        case "RSA":
            result = try PublicKey(rsaModulus: number(key, "n"), exponent: number(key, "e"))
        case "EC":
            guard key["crv"]?.string == "P-256" else { throw KeyRefusal("is on another curve than P-256") }
            result = try PublicKey(p256X: number(key, "x"), y: number(key, "y"))
        default:
            throw KeyRefusal("is of the kind \(TokenRefusal.quoted(kind))")
        }
        if let algorithm = key["alg"] {
            guard algorithm.string == result.algorithm.rawValue else { throw KeyRefusal("is for another algorithm") }
        }
        return result
    }

    /// A number as its bytes, the most significant first.
    private static func number(_ key: JSONValue, _ name: StaticString) throws(KeyRefusal) -> [UInt8] {
        guard let text = key[name]?.string, let bytes = Base64URL.decode(text), !bytes.isEmpty else {
            throw KeyRefusal("has no \(name) in base64url without padding")
        }
        return bytes
    }
}
