import Telemetry

/// Where a Postgres database is: `postgres://user:password@host:port/name`.
///
/// The password may stand in it or come from a setting of its own; it never shows in a print.
package struct DatabaseURL: Sendable, Equatable {
    package var user: String
    package var password: Secret<String>?
    package var host: String
    package var port: Int
    package var database: String

    package static let defaultPort = 5432

    package init(user: String, password: Secret<String>? = nil, host: String, port: Int = defaultPort, database: String)
    {
        self.user = user
        self.password = password
        self.host = host
        self.port = port
        self.database = database
    }

    /// Reads the URL; nil when it is not of the form above. Parts may be percent-encoded; there are no parameters.
    package init?(_ text: String) {
        guard let scheme = ["postgres://", "postgresql://"].first(where: { text.hasPrefix($0) }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        guard let slash = rest.lastIndex(of: "/"), let at = rest[..<slash].lastIndex(of: "@"),
            let authority = Authority(rest[rest.index(after: at)..<slash], defaultPort: Self.defaultPort),
            let database = Self.decoded(rest[rest.index(after: slash)...])
        else { return nil }
        let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = credentials.first, let user = Self.decoded(first) else { return nil }
        if credentials.count == 2 {
            guard let password = Self.decoded(credentials[1]) else { return nil }
            self.password = Secret(password)
        }
        self.user = user
        self.host = authority.host
        self.port = authority.port
        self.database = database
    }

    /// The decoded text; nil for a broken escape, for none at all, and for characters that belong to another part.
    private static func decoded(_ text: Substring) -> String? {
        guard !text.isEmpty, !text.contains(where: { "/?#@ ".contains($0) }) else { return nil }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(Substring(rest.prefix(2)), radix: 16), value != 0 else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension DatabaseURL: CustomStringConvertible {
    /// The URL without its password.
    package var description: String {
        "postgres://\(user)\(password == nil ? "" : ":\(SettingsReader.hidden)")@\(host):\(port)/\(database)"
    }
}

extension SettingKind where Value == DatabaseURL {
    package static var databaseURL: SettingKind {
        var kind = SettingKind(
            name: "URL of the form `postgres://user@host:port/name`",
            placeholder: DatabaseURL(user: "nobody", host: "unset.invalid", database: "unset"),
            render: { $0.description }, parse: { DatabaseURL($0) })
        kind.hidesFaultyValue = true
        return kind
    }
}
