import Clocks

/// Why a token is not accepted. The log says it; the client only learns that its token is not valid.
enum TokenRefusal: Error, Hashable, Sendable {
    /// It is no token in the compact form of RFC 7515.
    case malformed(String)
    /// Its header asks for what is not done here.
    case unsupported(String)
    /// No key fits it. Whether it may help to load the keys anew.
    case unknownKey(String, mayBeNew: Bool)
    /// A key fits it and says that it is forged or damaged.
    case badSignature
    case expired(at: Timestamp)
    case notYetValid(until: Timestamp)
    /// A claim is missing, of the wrong type, or not ours.
    case badClaim(String)

    /// The kind in a metric's label.
    var label: String {
        switch self {
        case .malformed: "malformed"
        case .unsupported: "unsupported"
        case .unknownKey: "unknown-key"
        case .badSignature: "bad-signature"
        case .expired: "expired"
        case .notYetValid: "not-yet-valid"
        case .badClaim: "bad-claim"
        }
    }
}

extension TokenRefusal: CustomStringConvertible {
    var description: String {
        switch self {
        case .malformed(let detail): "the token is malformed: \(detail)"
        case .unsupported(let detail): "the token is of a kind that is not accepted: \(detail)"
        case .unknownKey(let detail, _): "no key verifies the token: \(detail)"
        case .badSignature: "the token's signature is not that of the key it names"
        case .expired(let time): "the token expired at \(time)"
        case .notYetValid(let time): "the token is not valid before \(time)"
        case .badClaim(let detail): "the token's claims are not acceptable: \(detail)"
        }
    }

    /// Text of a token as it may stand in a log: not long, and one line.
    static func quoted(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(64).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) }
        return "\"\(String(shown))\"\(text.unicodeScalars.count > 64 ? "…" : "")"
    }
}
