import Clocks
import HTTPCodec
import Resilience
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Rate limits per client")
struct ClientRateLimitTests {
    private struct Fixture {
        let time = TestTime()
        let registry = MetricsRegistry()
        let settings: ChassisSettings
        let chassis: Chassis
        let log = LineSink()

        init(auth: String = "jwt") throws {
            var environment = ["AUTH": auth]
            if auth == "jwt" { environment["AUTH_SECRET"] = "a secret of more than thirty-two bytes, for tests" }
            var reader = SettingsReader(SettingsSources(environment: environment))
            settings = ChassisSettings(reading: &reader)
            try reader.finish()
            chassis = Chassis(
                service: "s", settings: settings, time: time, random: SeededRandom(seed: 1),
                logger: Logger(service: "s", level: .info, sink: log, time: time), registry: registry)
        }

        func handler(_ limit: ClientRateLimit?) -> RequestHandler {
            var router = Router()
            router.post("/v1/orders", access: .customers(.ordersWrite), rateLimit: limit) { _ in
                throw ProblemDetails(.validationFailed)
            }
            router.get("/v1/orders", access: .customers(.ordersRead)) { _ in .json(Array("{}".utf8)) }
            return RequestHandler(
                router, authenticator: chassis.identities.authenticator, deadline: .seconds(10), time: time,
                logger: .silent, tracer: chassis.tracer, metrics: chassis.metrics)
        }

        func fields(_ client: String) throws -> HTTPFields {
            let token = try TokenCommand(["--sub", client, "--ttl", "1h"]).token(
                settings.authentication, now: time.wallNow)
            return ["Authorization": "Bearer \(token)", "Content-Type": "application/json"]
        }
    }

    private let limit = RateLimit(permits: 2, per: .seconds(2), burst: 3)

    @Test("each client has its own; beyond it 429 with Retry-After, and every answer says where the client stands")
    func perClient() async throws {
        let fixture = try Fixture()
        let handler = fixture.handler(fixture.chassis.clientRateLimit("orders", limit, setting: "X"))
        let alice = try fixture.fields("alice")
        for remaining in [2, 1, 0] {
            let answer = await handler.send(.post, "/v1/orders", alice, body: "{}")
            #expect(answer.slug == "validation-failed")
            #expect(answer.fields["RateLimit-Policy"] == "\"orders\";q=3;w=3")
            #expect(answer.fields["RateLimit"] == "\"orders\";r=\(remaining);t=1")
        }
        let refused = await handler.send(.post, "/v1/orders", alice, body: "{}")
        #expect(refused.slug == "too-many-requests")
        #expect(refused.fields["Retry-After"] == "1")
        #expect(refused.fields["RateLimit"] == "\"orders\";r=0;t=1")
        let text = String(decoding: fixture.registry.text(), as: UTF8.self)
        #expect(text.contains("load_shed_total{service=\"s\",reason=\"rate-limit\"} 1\n"))
        // Nobody pays for another client, nor for another route.
        let bob = try fixture.fields("bob")
        #expect(await handler.send(.post, "/v1/orders", bob, body: "{}").slug == "validation-failed")
        let read = await handler.send(.get, "/v1/orders", ["Authorization": alice["Authorization"] ?? ""])
        #expect(read.status == .ok)
        #expect(read.fields["RateLimit"] == nil)
        // And it comes back with time.
        fixture.time.advance(by: .seconds(1))
        #expect(await handler.send(.post, "/v1/orders", alice, body: "{}").slug == "validation-failed")
    }

    @Test("who is not let in takes nothing from anybody, and is told nothing")
    func unknown() async throws {
        let fixture = try Fixture()
        let handler = fixture.handler(fixture.chassis.clientRateLimit("orders", limit, setting: "X"))
        for _ in 0..<5 {
            let answer = await handler.send(.post, "/v1/orders", ["Content-Type": "application/json"], body: "{}")
            #expect(answer.status.code == 401)
            #expect(answer.fields["RateLimit"] == nil)
        }
    }

    @Test("with AUTH=off there is none, and the start says that the setting is ignored")
    func off() async throws {
        let fixture = try Fixture(auth: "off")
        #expect(fixture.chassis.clientRateLimit("orders", limit, setting: "RATE_LIMIT_ORDERS") == nil)
        #expect(fixture.log.lines.contains { $0.contains("RATE_LIMIT_ORDERS") && $0.contains("ignored") })
        #expect(fixture.chassis.clientRateLimit("orders", nil, setting: "RATE_LIMIT_ORDERS") == nil)
        #expect(fixture.log.lines.count { $0.contains("RATE_LIMIT_ORDERS") } == 1)
    }

    @Test(
        "rates are read and written",
        arguments: [
            ("100/1s", RateLimit(permits: 100, per: .seconds(1)), "100/1s"),
            ("100/1s;burst=200", RateLimit(permits: 100, per: .seconds(1), burst: 200), "100/1s;burst=200"),
            ("5/500ms", RateLimit(permits: 5, per: .milliseconds(500)), "5/500ms"),
            ("600/60s", RateLimit(permits: 600, per: .seconds(60)), "600/1m"),
            ("10/2h;burst=10", RateLimit(permits: 10, per: .seconds(7200)), "10/2h"),
        ])
    func rates(text: String, limit: RateLimit, written: String) {
        #expect(RateText.read(text) == limit)
        #expect(RateText.write(limit) == written)
        #expect(RateText.read(written) == limit)
    }

    @Test(
        "what is no rate is refused",
        arguments: [
            "", "100", "100/", "/1s", "100/1", "100/1x", "0/1s", "100/0s", "-1/1s", "100/1s;burst=0", "100/1s;burst=",
            "100/1s;burst=1;burst=2", "100/1s;x=1", "1e3/1s", "100/9999999h", "100/1s ",
        ])
    func noRates(text: String) {
        #expect(RateText.read(text) == nil)
    }
}
