import Telemetry

/// How callers prove who they are, and how this service proves it to others.
package struct AuthenticationSettings: SettingsGroup {
    package enum Mode: String, CaseIterable, Sendable {
        /// Nobody is asked.
        case off
        /// Every call brings a token (RFC 6750, RFC 7519).
        case jwt
    }

    /// Where public keys come from.
    package enum KeyLocation: Sendable, Hashable {
        case url(ServiceURL)
        case file(String)
    }

    package var mode: Mode
    /// Verifies tokens by HS256, and signs the service's own.
    var secret: HMACKey?
    /// Verifies tokens too, while the secret is changed.
    var previousSecret: HMACKey?
    package var keys: KeyLocation?
    package var refreshInterval: Duration
    var rules: TokenRules
    /// A file with the token this service calls others with, instead of one it signs itself.
    package var tokenFile: String?

    package init(reading settings: inout SettingsReader) {
        mode = settings.required(
            "AUTH", .choice(),
            "Who may call: `jwt` asks every caller for a token, `off` lets everybody in and is for local use only.")
        let secret = settings.secret(
            "AUTH_SECRET",
            "The secret that signs tokens by HS256, at least \(HMACKey.minimumLength) bytes; the service's own calls too."
        )
        let previous = settings.secret(
            "AUTH_SECRET_PREVIOUS", "A second secret whose tokens are accepted too, while the first is changed.")
        let url = settings.optional(
            "AUTH_JWKS_URL", .serviceURL, "Where the issuer publishes the keys that verify tokens by RS256 and ES256.")
        let file = settings.optional(
            "AUTH_JWKS_FILE", .text(upTo: 4096), "The file with these keys, where there is no URL.")
        refreshInterval = settings.value(
            "AUTH_JWKS_REFRESH_SECONDS", .seconds(.seconds(10) ... .seconds(86_400)), default: .seconds(300),
            "How often the keys are loaded anew; a token by a key that is not known does so at once.")
        rules = TokenRules()
        rules.issuer = settings.optional("AUTH_ISSUER", .text(), "The `iss` that tokens must have.")
        rules.audience = settings.optional(
            "AUTH_AUDIENCE", .text(), "What tokens must have in `aud`; without it, tokens that have one are refused.")
        rules.leeway = settings.value(
            "AUTH_LEEWAY_SECONDS", .seconds(.zero ... .seconds(300)), default: rules.leeway,
            "How far the issuer's clock may be from this one.")
        tokenFile = settings.optional(
            "AUTH_TOKEN_FILE", .text(upTo: 4096),
            "The file with the token this service calls others with, kept fresh by somebody else; needed without AUTH_SECRET."
        )
        keys = url.map(KeyLocation.url) ?? file.map(KeyLocation.file)
        self.secret = Self.key(secret, "AUTH_SECRET", &settings)
        previousSecret = Self.key(previous, "AUTH_SECRET_PREVIOUS", &settings)
        guard !settings.isFaulty("AUTH") else { return }
        var given: [String] = []
        if secret != nil { given.append("AUTH_SECRET") }
        if previous != nil { given.append("AUTH_SECRET_PREVIOUS") }
        if url != nil { given.append("AUTH_JWKS_URL") }
        if file != nil { given.append("AUTH_JWKS_FILE") }
        if tokenFile != nil { given.append("AUTH_TOKEN_FILE") }
        check(given, &settings)
    }

    /// Refuses what contradicts itself or cannot work.
    private func check(_ given: [String], _ settings: inout SettingsReader) {
        if mode == .off {
            for key in given {
                settings.reject(
                    key, reason: "is given although AUTH is off, so that nobody is asked for a token",
                    remedy: "Set AUTH=jwt, or leave \(key) out.")
            }
            return
        }
        if given.contains("AUTH_JWKS_URL"), given.contains("AUTH_JWKS_FILE") {
            settings.reject(
                "AUTH_JWKS_FILE", reason: "is given together with AUTH_JWKS_URL", remedy: "Keep one of the two.")
        }
        if given.contains("AUTH_SECRET_PREVIOUS"), !given.contains("AUTH_SECRET") {
            settings.reject(
                "AUTH_SECRET_PREVIOUS", reason: "is given without AUTH_SECRET",
                remedy: "Set AUTH_SECRET, or leave it out.")
        }
        if !given.contains("AUTH_SECRET"), keys == nil, !settings.isFaulty("AUTH_JWKS_URL"),
            !settings.isFaulty("AUTH_JWKS_FILE"), !settings.isFaulty("AUTH_SECRET_FILE")
        {
            settings.reject(
                "AUTH", value: mode.rawValue, reason: "is of no use while nothing says which tokens are good",
                remedy: "Set AUTH_SECRET, AUTH_JWKS_URL or AUTH_JWKS_FILE.")
        }
    }

    /// Refuses settings with which a service that calls others cannot say who it is.
    func checkIdentity(_ settings: inout SettingsReader) {
        guard mode == .jwt, keys != nil, secret == nil, tokenFile == nil, !settings.isFaulty("AUTH_SECRET"),
            !settings.isFaulty("AUTH_SECRET_FILE")
        else { return }
        settings.reject(
            "AUTH_TOKEN_FILE", reason: "is not set, and this service has to show others who it is",
            remedy: "Name a file with a token of the scope `service`, or set AUTH_SECRET.")
    }

    private static func key(
        _ secret: Secret<String>?, _ name: String, _ settings: inout SettingsReader
    ) -> HMACKey? {
        guard let secret else { return nil }
        guard let key = HMACKey(secret) else {
            settings.reject(
                name, value: SettingsReader.hidden,
                reason: "is shorter than \(HMACKey.minimumLength) bytes, so that it could be guessed",
                remedy: "Make one: openssl rand -base64 48.")
            return nil
        }
        return key
    }
}
