import Telemetry
import Testing

@testable import ServiceChassis

@Suite("Authentication settings")
struct AuthenticationSettingsTests {
    static let secret = TokenFixtures.secret
    static let url = "https://issuer.example/keys"

    struct Calling: SettingsGroup {
        var authentication: AuthenticationSettings

        init(reading settings: inout SettingsReader) {
            authentication = AuthenticationSettings(reading: &settings)
            authentication.checkIdentity(&settings)
        }
    }

    static func faults(_ environment: [String: String], files: [String: String] = [:]) -> [SettingFault] {
        let reader = FileReader { path in
            files[path].map { .success(Array($0.utf8)) } ?? .failure(FileReadingFailure(reason: "cannot be opened"))
        }
        var settings = SettingsReader(SettingsSources(environment: environment, files: reader))
        _ = Calling(reading: &settings)
        do {
            try settings.finish()
            return []
        } catch {
            return error.faults
        }
    }

    @Test(
        "what works is accepted",
        arguments: [
            ["AUTH": "off"], ["AUTH": "jwt", "AUTH_SECRET": secret],
            ["AUTH": "jwt", "AUTH_SECRET": secret, "AUTH_SECRET_PREVIOUS": secret + "old"],
            ["AUTH": "jwt", "AUTH_JWKS_URL": url, "AUTH_SECRET": secret],
            ["AUTH": "jwt", "AUTH_JWKS_URL": url, "AUTH_TOKEN_FILE": "/token"],
            [
                "AUTH": "jwt", "AUTH_JWKS_FILE": "/keys", "AUTH_TOKEN_FILE": "/token", "AUTH_ISSUER": "i",
                "AUTH_AUDIENCE": "a",
            ],
        ])
    func good(environment: [String: String]) {
        #expect(Self.faults(environment).isEmpty)
    }

    @Test(
        "contradictions and what is missing are named by their settings",
        arguments: [
            ([:], ["AUTH"]), (["AUTH": "jtw", "AUTH_SECRET": secret], ["AUTH"]), (["AUTH": "jwt"], ["AUTH"]),
            (["AUTH": "off", "AUTH_SECRET": secret], ["AUTH_SECRET"]),
            (
                ["AUTH": "off", "AUTH_JWKS_URL": url, "AUTH_TOKEN_FILE": "/token"],
                ["AUTH_JWKS_URL", "AUTH_TOKEN_FILE"]
            ),
            (["AUTH": "jwt", "AUTH_SECRET": "too short"], ["AUTH_SECRET"]),
            (["AUTH": "jwt", "AUTH_SECRET": secret, "AUTH_SECRET_PREVIOUS": "x"], ["AUTH_SECRET_PREVIOUS"]),
            (
                ["AUTH": "jwt", "AUTH_SECRET_PREVIOUS": secret, "AUTH_JWKS_URL": url],
                ["AUTH_SECRET_PREVIOUS", "AUTH_TOKEN_FILE"]
            ),
            (
                ["AUTH": "jwt", "AUTH_JWKS_URL": url, "AUTH_JWKS_FILE": "/keys"], ["AUTH_JWKS_FILE", "AUTH_TOKEN_FILE"]
            ),
            (["AUTH": "jwt", "AUTH_JWKS_URL": "ftp://x"], ["AUTH_JWKS_URL"]),
            (["AUTH": "jwt", "AUTH_SECRET_FILE": "/missing"], ["AUTH_SECRET_FILE"]),
            (["AUTH": "jwt", "AUTH_LEEWAY_SECONDS": "301", "AUTH_SECRET": secret], ["AUTH_LEEWAY_SECONDS"]),
        ] as [([String: String], [String])])
    func bad(environment: [String: String], keys: [String]) {
        let faults = Self.faults(environment)
        #expect(faults.map(\.key).sorted() == keys)
        #expect(!faults.map(\.description).joined().contains(Self.secret))
    }

    @Test("the secret can come from a file, its line end dropped")
    func fromFile() {
        let environment = ["AUTH": "jwt", "AUTH_SECRET_FILE": "/secret"]
        #expect(Self.faults(environment, files: ["/secret": Self.secret + "\n"]).isEmpty)
        var reader = SettingsReader(
            SettingsSources(
                environment: environment, files: FileReader { _ in .success(Array((Self.secret + "\n").utf8)) }))
        let settings = AuthenticationSettings(reading: &reader)
        #expect(settings.secret == TokenForge.key)
        #expect(reader.settings.first { $0.description.key == "AUTH_SECRET" }?.value == SettingsReader.hidden)
    }
}

@Suite("The token command")
struct TokenCommandTests {
    static func settings(_ environment: [String: String]) -> AuthenticationSettings {
        var reader = SettingsReader(SettingsSources(environment: environment))
        return AuthenticationSettings(reading: &reader)
    }

    @Test("it makes tokens that the services accept")
    func accepted() throws {
        let settings = Self.settings([
            "AUTH": "jwt", "AUTH_SECRET": TokenFixtures.secret, "AUTH_ISSUER": "https://issuer.example",
            "AUTH_AUDIENCE": "holdfast",
        ])
        let command = try ServiceCommand(["token", "--ttl", "2h", "--scope", "operator", "--sub", "me@example"])
        guard case .token(let token) = command else {
            Issue.record("it is no token command")
            return
        }
        let claims = try TokenForge.verifier().verify(
            try token.token(settings, now: TokenForge.now), now: TokenForge.now.advanced(by: .seconds(7200)))
        #expect(claims.subject == "me@example")
        #expect(claims.scopes == [.operator])
        #expect(claims.expiry == TokenForge.now.advanced(by: .seconds(7200)))
        let standard = try TokenCommand(["--sub", "c-1"])
        #expect(standard.scope == "orders:read orders:write" && standard.lifetime == .seconds(900))
    }

    @Test(
        "arguments that make no token are refused",
        arguments: [
            [], ["--sub"], ["--sub", ""], ["--sub", "a b"], ["--scope", "operator"],
            ["--sub", "a", "--scope", "admin"],
            ["--sub", "a", "--ttl", "1"], ["--sub", "a", "--ttl", "-1h"], ["--sub", "a", "--ttl", "0s"],
            ["--sub", "a", "--ttl", "366d"], ["--sub", "a", "--ttl", "99999999999999999999h"], ["--sub", "a", "extra"],
        ])
    func refused(arguments: [String]) {
        #expect(throws: ServiceCommandError.self) { try ServiceCommand(["token"] + arguments) }
    }

    @Test("without the secret it says what is missing")
    func noSecret() throws {
        let command = try TokenCommand(["--sub", "a"])
        #expect(throws: TokenCommand.NoSecret.self) {
            try command.token(Self.settings(["AUTH": "off"]), now: TokenForge.now)
        }
    }
}
