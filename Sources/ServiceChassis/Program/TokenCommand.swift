import Clocks

/// `token --sub c-1 --scope "orders:read orders:write" --ttl 1h`: a token by HS256, for trying things out and for operators
/// who have the secret.
package struct TokenCommand: Sendable, Hashable {
    package static let standardScope = [Scope.ordersRead, .ordersWrite].map(\.rawValue).joined(separator: " ")
    package static let standardLifetime = Duration.seconds(15 * 60)
    private static let longestLifetime = Duration.seconds(365 * 86_400)

    /// There is no secret to sign with.
    struct NoSecret: Error, CustomStringConvertible {
        var description: String {
            "a token is signed with AUTH_SECRET (or AUTH_SECRET_FILE): set the one that the services have, at least "
                + "\(HMACKey.minimumLength) bytes"
        }
    }

    package var subject: String
    package var scope = standardScope
    package var lifetime = standardLifetime

    /// Reads the arguments behind `token`.
    ///
    /// - Throws: ``ServiceCommandError`` for a subject that no token can have, words that are no scope, and a time that
    ///   cannot be read.
    package init(_ arguments: some Sequence<String>) throws(ServiceCommandError) {
        let refused = ServiceCommandError(arguments: ["token"] + Array(arguments))
        var subject: String?
        var rest = Array(arguments)[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw refused }
            switch option {
            case "--sub":
                guard (1...255).contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
                else { throw refused }
                subject = value
            case "--scope":
                let words = value.split(separator: " ")
                guard words.allSatisfy({ Scope(rawValue: String($0)) != nil }) else { throw refused }
                scope = words.joined(separator: " ")
            case "--ttl":
                guard let time = Self.lifetime(value) else { throw refused }
                lifetime = time
            default:
                throw refused
            }
        }
        guard let subject else { throw refused }
        self.subject = subject
    }

    /// A whole number of seconds, minutes, hours or days, up to a year: `90s`, `15m`, `1h`, `7d`.
    private static func lifetime(_ text: String) -> Duration? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }),
            text.dropLast().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text.dropLast()), (1...31_536_000).contains(number)
        else { return nil }
        let lifetime = Duration.seconds(number * unit)
        return lifetime <= longestLifetime ? lifetime : nil
    }

    /// The token, with issuer and audience as these settings want them.
    func token(_ settings: AuthenticationSettings, now: Timestamp) throws -> String {
        guard let key = settings.secret else { throw NoSecret() }
        return TokenMint(key, rules: settings.rules).token(
            subject: subject, scope: scope, lifetime: lifetime, now: now)
    }
}
