import Clocks
import HTTPCodec
import Telemetry
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Admission", .timeLimit(.minutes(1)))
struct AuthenticatorTests {
    static let routes: [(path: String, access: Access)] = [
        ("/everyone", .everyone), ("/any", .anyClient), ("/read", .customers(.ordersRead)),
        ("/write", .customers(.ordersWrite)), ("/services", .services), ("/operators", .operators),
    ]

    static func handler(_ authenticator: Authenticator) -> RequestHandler {
        var router = Router()
        for (path, access) in routes {
            router.post(path, access: access) { context in
                _ = try context.document()
                return HTTPResponse(status: .ok, contentType: "text/plain", bytes: Array("\(context.principal)".utf8))
            }
        }
        return .test(router, authenticator: authenticator)
    }

    static func statuses(_ handler: RequestHandler, _ fields: HTTPFields) async -> [Int] {
        var fields = fields
        fields.append("Content-Type", "application/json")
        var statuses: [Int] = []
        for (path, _) in routes { statuses.append(await handler.send(.post, path, fields, body: "{}").status.code) }
        return statuses
    }

    @Test(
        "each scope opens its routes and no others",
        arguments: [
            ("", [200, 200, 403, 403, 403, 403]), ("unknown admin OPERATOR", [200, 200, 403, 403, 403, 403]),
            ("orders:read", [200, 200, 200, 403, 403, 403]), ("orders:write", [200, 200, 403, 200, 403, 403]),
            ("orders:read orders:write", [200, 200, 200, 200, 403, 403]),
            ("service", [200, 200, 200, 200, 200, 403]), ("operator", [200, 200, 200, 200, 200, 200]),
        ])
    func scopes(scope: String, expected: [Int]) async {
        let handler = Self.handler(TokenForge.authenticator())
        #expect(await Self.statuses(handler, TokenForge.bearer(TokenForge.token("c-1", scope))) == expected)
    }

    @Test(
        "without a good token only what is for everyone is open",
        arguments: [
            [:], ["Authorization": ""], ["Authorization": "Bearer"], ["Authorization": "Bearer "],
            ["Authorization": "Basic Yzp4"], ["Authorization": "Bearer x.y.z"],
            ["Authorization": TokenForge.token("c-1", "operator")],
            ["Authorization": "Bearer " + TokenForge.token("c-1", "operator") + "," + TokenForge.token("c-1", "")],
            ["Authorization": "Bearer " + TokenForge.token("c-1", "operator", expires: TokenFixtures.issued - 61)],
            ["Authorization": "Bearer " + TokenForge.token("c-1", "operator"), "authorization": "Bearer x"],
            ["X-Authorization": "Bearer " + TokenForge.token("c-1", "operator")],
        ] as [HTTPFields])
    func unauthenticated(fields: HTTPFields) async {
        let handler = Self.handler(TokenForge.authenticator())
        #expect(await Self.statuses(handler, fields) == [200, 401, 401, 401, 401, 401])
    }

    @Test("the scheme's case and further blanks do not matter", arguments: ["bearer ", "BEARER ", "Bearer   "])
    func scheme(prefix: String) async {
        let handler = Self.handler(TokenForge.authenticator())
        let statuses = await Self.statuses(handler, ["Authorization": prefix + TokenForge.token("c-1", "operator")])
        #expect(statuses == [200, 200, 200, 200, 200, 200])
    }

    @Test("with AUTH=off everybody may do everything, token or not")
    func off() async {
        let handler = Self.handler(.off(time: TestTime(), logger: .silent))
        #expect(await Self.statuses(handler, [:]) == Array(repeating: 200, count: 6))
        #expect(await Self.statuses(handler, ["Authorization": "Bearer x"]) == Array(repeating: 200, count: 6))
    }

    @Test("the answer says what to bring, and nothing of what was wrong with a token")
    func challenges() async {
        let handler = Self.handler(TokenForge.authenticator())
        let none = await handler.send(.post, "/write", body: "{}")
        #expect(none.slug == "unauthenticated")
        #expect(none.fields["WWW-Authenticate"] == "Bearer realm=\"holdfast\"")
        let bad = await handler.send(.post, "/write", TokenForge.bearer(TokenFixtures.bad[0].token), body: "{}")
        #expect(bad.slug == "unauthenticated")
        #expect(bad.fields["WWW-Authenticate"] == "Bearer realm=\"holdfast\", error=\"invalid_token\"")
        #expect(bad.text.contains("The token is not valid.") && !bad.text.contains("alg"))
        let weak = await handler.send(.post, "/write", TokenForge.bearer(TokenForge.token("c", "")), body: "{}")
        #expect(weak.slug == "forbidden")
        #expect(
            weak.fields["WWW-Authenticate"]
                == "Bearer realm=\"holdfast\", error=\"insufficient_scope\", scope=\"orders:write\"")
    }

    @Test("who calls is asked before anything else of the request is looked at, and after the route is found")
    func order() async {
        let handler = Self.handler(TokenForge.authenticator())
        let fields: HTTPFields = ["Request-Timeout": "soon", "Content-Type": "text/plain"]
        #expect(await handler.send(.post, "/any?unknown=1", fields, body: "{").slug == "unauthenticated")
        var weak = fields
        weak.append("Authorization", "Bearer " + TokenForge.token("c-1", ""))
        #expect(await handler.send(.post, "/write?unknown=1", weak, body: "{").slug == "forbidden")
        #expect(await handler.send(.post, "/any?unknown=1", weak, body: "{").slug == "invalid-parameter")
        #expect(await handler.send(.post, "/nowhere", body: "{").slug == "not-found")
        #expect(await handler.send(.put, "/any", body: "{").slug == "method-not-allowed")
    }

    @Test("a token that was good before is refused once it ends, and once its key is gone")
    func remembered() async throws {
        let time = TestTime()
        let source = KeyRingTests.Source(TokenFixtures.keySet)
        let ring = KeyRingTests.ring(source, time: time, secrets: [TokenForge.key])
        await ring.load()
        let authenticator = TokenForge.authenticator(ring, time: time)
        let bySecret = TokenForge.bearer(TokenForge.token("c-1", "", expires: TokenFixtures.issued + 10))
        let byKey = TokenForge.bearer(TokenFixtures.good.first { $0.name == "rs256Second" }?.token ?? "")
        for _ in 0..<2 {
            #expect(try await authenticator.admit(bySecret, to: .anyClient, route: "/").clientID == "c-1")
            #expect(try await authenticator.admit(byKey, to: .anyClient, route: "/").clientID == "c-1")
        }
        time.advance(by: .seconds(70))
        let expired = await #expect(throws: AccessDenial.self) {
            try await authenticator.admit(bySecret, to: .anyClient, route: "/")
        }
        #expect(expired == .badToken(.expired(at: TokenForge.now.advanced(by: .seconds(10)))))
        #expect(try await authenticator.admit(byKey, to: .anyClient, route: "/").clientID == "c-1")
        source.set(KeyRingTests.firstKey)
        await ring.load()
        await #expect(throws: AccessDenial.self) { try await authenticator.admit(byKey, to: .anyClient, route: "/") }
    }

    @Test("refusals are counted by their reason")
    func metrics() async {
        let registry = MetricsRegistry()
        let refusals = registry.counter("auth_refusals_total", help: "h", labels: ["reason"], constants: [:])
        let authenticator = TokenForge.authenticator(refusals: refusals)
        for (_, token) in TokenFixtures.bad {
            _ = try? await authenticator.admit(TokenForge.bearer(token), to: .anyClient, route: "/")
        }
        _ = try? await authenticator.admit([:], to: .anyClient, route: "/")
        _ = try? await authenticator.admit(TokenForge.bearer(TokenForge.token("c", "")), to: .operators, route: "/")
        let text = String(decoding: registry.text(), as: UTF8.self)
        for reason in ["no-token", "missing-scope", "unsupported", "bad-signature", "unknown-key", "malformed"] {
            #expect(text.contains("auth_refusals_total{reason=\"\(reason)\"} "))
        }
        #expect(text.contains("auth_refusals_total{reason=\"no-token\"} 1\n"))
    }

    @Test("of the tokens that were found good a bounded number is remembered, the oldest leaving first")
    func bounded() throws {
        let claims = try TokenForge.verifier().verify(TokenForge.token("c-1", ""), now: TokenForge.now)
        func digest(_ number: Int) -> [UInt8] {
            [UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
        }
        var tokens = VerifiedTokens()
        let count = VerifiedTokens.capacity + 100
        for number in 0..<count { tokens.insert(digest(number), claims, generation: 1) }
        #expect(tokens.count == VerifiedTokens.capacity)
        #expect(tokens.find(digest(99), generation: 1) == nil)
        #expect(tokens.find(digest(100), generation: 1) != nil)
        #expect(tokens.find(digest(count - 1), generation: 1) != nil)
        #expect(tokens.find(digest(count - 1), generation: 2) == nil)
        tokens.insert(digest(1), claims, generation: 2)
        #expect(tokens.count == 1)
        tokens.insert(digest(2), claims, generation: 1)
        #expect(tokens.find(digest(2), generation: 2) == nil && tokens.count == 1)
    }

    @Test("a customer is kept to what is its own; services, operators and AUTH=off are not")
    func principals() {
        let customer = Principal.client(id: "c-1", scopes: [.ordersRead, .ordersWrite])
        #expect(customer.confinedTo == "c-1")
        #expect(customer.mayAct(for: "c-1") && !customer.mayAct(for: "c-2") && !customer.mayAct(for: ""))
        for scope in [Scope.service, .operator] {
            let principal = Principal.client(id: "x", scopes: [scope])
            #expect(principal.confinedTo == nil && principal.mayAct(for: "c-2"))
        }
        #expect(Principal.everybody.mayAct(for: "c-2") && Principal.everybody.clientID == nil)
        #expect(!Principal.nobody.mayAct(for: "c-2"))
        #expect(customer.idempotencyScope == "client:c-1")
        #expect(Principal.everybody.idempotencyScope == "public")
        #expect(Principal.client(id: "public", scopes: []).idempotencyScope != "public")
    }
}
