import Clocks
import HTTPCodec
import HTTPServer
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Who is who", .timeLimit(.minutes(1)))
struct IdentitiesTests {
    static let time = SystemTime()
    static let secret = ["AUTH": "jwt", "AUTH_SECRET": TokenFixtures.secret]

    static func identities(
        _ environment: [String: String], time: any TimeSource, files: FileReader = .system
    ) -> (identities: Identities, health: HealthRegistry) {
        var reader = SettingsReader(SettingsSources(environment: environment))
        let health = HealthRegistry(time: time)
        health.started()
        let identities = Identities(
            AuthenticationSettings(reading: &reader), service: "asking-service", time: time,
            random: SeededRandom(seed: 1), logger: .silent,
            metrics: StandardMetrics(service: "s", registry: MetricsRegistry()), health: health, files: files)
        return (identities, health)
    }

    @Test("a token signed here is accepted by the others, reused, and replaced before it ends")
    func minted() throws {
        let time = TestTime()
        let own = try #require(Self.identities(Self.secret, time: time).identities.own)
        let verifier = TokenVerifier(keys: KeySet([TokenKey(secret: TokenForge.key)]), rules: TokenRules())
        let first = try #require(own.token)
        let claims = try verifier.verify(first.reveal(), now: time.wallNow)
        #expect(claims.subject == "asking-service" && claims.scopes == [.service])
        #expect(claims.expiry == time.wallNow.advanced(by: .seconds(300)))
        time.advance(by: .seconds(239))
        #expect(own.token == first)
        time.advance(by: .seconds(1))
        let second = try #require(own.token)
        #expect(second != first)
        #expect(try verifier.verify(second.reveal(), now: time.wallNow).expiry > claims.expiry)
    }

    @Test("a token in a file is waited for, read again, and kept while the file is unreadable")
    func file() async throws {
        let time = TestTime()
        let content = Mutex<String?>(nil)
        let files = FileReader { _ in
            content.withLock { $0 }.map { .success(Array($0.utf8)) } ?? .failure(FileReadingFailure(reason: "is away"))
        }
        let watched = WatchedFile("/token", files: files, time: Self.time)
        let own = ServiceIdentity("s", file: watched, time: time, logger: .silent)
        let ready = Recorder<String>()
        let running = Task { await own.run { ready.record("ready") } }
        let retry = try await time.nextTimerScheduled()
        #expect(own.token == nil && ready.events.isEmpty)
        content.withLock { $0 = "first.token\n" }
        time.advance(to: retry)
        await ready.wait(for: "ready")
        #expect(own.token?.reveal() == "first.token")
        var next = try await time.nextTimerScheduled()
        for (text, expected) in [
            ("second", "second"), (nil, "second"), ("", "second"), ("two words", "second"), ("third", "third"),
        ] {
            content.withLock { $0 = text }
            time.advance(to: next)
            next = try await time.nextTimerScheduled()
            #expect(own.token?.reveal() == expected)
        }
        running.cancel()
        await running.value
    }

    /// A server that records the `Authorization` it gets and answers what the test wants.
    static func withServer(
        _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse, _ body: (_ url: String) async throws -> Void
    ) async throws {
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: time, handler: { answer($0) })
        let port = try server.listen()
        async let running: Void = server.run()
        try await body("http://127.0.0.1:\(port)")
        await server.drain(deadline: time.now)
        try await running
    }

    @Test("keys by URL: not ready before they are there, then tokens are accepted, and a new key is found by its token")
    func keysByURL() async throws {
        let answer = Mutex(HTTPResponse(status: .serviceUnavailable))
        try await Self.withServer({ _ in answer.withLock { $0 } }) { url in
            let time = TestTime()
            let (identities, health) = Self.identities(
                [
                    "AUTH": "jwt", "AUTH_JWKS_URL": url + "/keys", "AUTH_ISSUER": "https://issuer.example",
                    "AUTH_AUDIENCE": "holdfast",
                ],
                time: time)
            let ready = Recorder<String>()
            let life = ServiceLife { ready.record("ready") }
            let part = try #require(identities.parts.first)
            let running = Task { try await part.run(life) }
            let token = TokenForge.bearer(TokenFixtures.good.first { $0.name == "rs256" }?.token ?? "")
            let retry = try await time.nextTimerScheduled()
            #expect(await health.ready().status == .down)
            #expect(ready.events.isEmpty)
            answer.withLock { $0 = .json(Array(KeyRingTests.firstKey.utf8)) }
            time.advance(to: retry)
            await ready.wait(for: "ready")
            #expect(await health.ready().status == .up)
            #expect(
                try await identities.authenticator.admit(token, to: .anyClient, route: "/").clientID == "c-1")
            life.stop()
            try await running.value
        }
    }

    @Test("a peer is shown who calls, a stranger is not; a refusal is no failure of the peer's")
    func callers() async throws {
        let seen = Mutex<[String?]>([])
        let handler: @Sendable (HTTPRequest) -> HTTPResponse = { request in
            seen.withLock { $0.append(request.fields["Authorization"]) }
            return HTTPResponse(status: .unauthorized)
        }
        try await Self.withServer(handler) { url in
            var reader = SettingsReader(SettingsSources(environment: Self.secret))
            let chassis = Chassis(
                service: "asking-service", settings: ChassisSettings(reading: &reader), time: Self.time,
                random: SeededRandom(seed: 7), logger: .silent)
            let calls = chassis.outgoingCalls()
            let url = try #require(ServiceURL(url))
            for caller in [try calls.peer("peer", [url]), try calls.caller("stranger", [url])] {
                let deadline = Self.time.now.advanced(by: .seconds(20))
                let response = try await caller.send(.init(.get, "/"), operation: "look", deadline: deadline)
                #expect(response.status == .unauthorized)
                #expect(caller.breaker.state == .closed)
            }
            let life = ServiceLife()
            life.stop()
            try await calls.part.run(life)
        }
        let headers = seen.withLock { $0 }
        #expect(headers.count == 2 && headers[1] == nil)
        let shown = try #require(headers[0])
        #expect(shown.hasPrefix("Bearer "))
        let verifier = TokenVerifier(keys: KeySet([TokenKey(secret: TokenForge.key)]), rules: TokenRules())
        #expect(try verifier.verify(String(shown.dropFirst(7)), now: Self.time.wallNow).subject == "asking-service")
    }
}
