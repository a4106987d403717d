import Clocks
import HTTPCodec
import JSON
import Resilience
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@Suite("Runtime control of circuit breakers")
struct CircuitBreakerRoutesTests {
    private struct Fixture {
        let breakers = BreakerDirectory()
        let time = TestTime()
        let log = LineSink()
        let handler: RequestHandler

        init() {
            var router = Router()
            CircuitBreakerRoutes(
                breakers, logger: Logger(service: "s", level: .info, sink: log, time: time)
            ).add(to: &router)
            handler = .test(router, time: time)
        }

        func breaker(_ name: String, dependency: String? = nil) -> CircuitBreaker {
            var configuration = CircuitBreakerConfiguration()
            configuration.consecutiveFailures = 2
            configuration.openTime = .exponential(base: .seconds(2), cap: .seconds(2), jitter: 0)
            let breaker = CircuitBreaker(
                name: name, configuration: configuration, time: time, random: SeededRandom(seed: 1))
            breakers.register(breaker, dependency: dependency ?? name)
            return breaker
        }

        func json(_ method: HTTPMethod, _ target: String) async throws -> JSONValue {
            try JSONDocument(parsing: await handler.send(method, target).bytes ?? []).root
        }
    }

    private func fail(_ breaker: CircuitBreaker) {
        guard case .permitted(let permit) = breaker.admit() else { return }
        permit.finish(.failure)
    }

    @Test("all breakers are listed by name, those of registries included")
    func list() async throws {
        let fixture = Fixture()
        _ = fixture.breaker("kafka", dependency: "broker")
        _ = fixture.breaker("database")
        let registry = CircuitBreakerRegistry(time: fixture.time, random: SeededRandom(seed: 1))
        _ = registry.breaker(for: "carrier:443")
        fixture.breakers.register(registry, dependency: "carrier")
        let items = try await fixture.json(.get, "/admin/circuit-breakers")["items"].map { Array($0.elements) } ?? []
        #expect(items.map { $0["name"]?.string } == ["carrier:443", "database", "kafka"])
        #expect(items.map { $0["dependency"]?.string } == ["carrier", "database", "broker"])
        #expect(try await fixture.json(.get, "/admin/circuit-breakers/carrier:443")["state"]?.string == "closed")
    }

    @Test("breakers of a registry are in the metrics, those made later too")
    func registryMetrics() {
        let chassis = DatabaseTests.chassis()
        let registry = CircuitBreakerRegistry(time: SystemTime(), random: SeededRandom(seed: 1))
        chassis.showCircuitBreakers(of: registry, dependency: "carrier")
        registry.breaker(for: "carrier:443").forceOpen()
        let text = String(decoding: chassis.metrics.registry.text(), as: UTF8.self)
        #expect(text.contains("circuit_breaker_state{service=\"s\",circuit_breaker=\"carrier:443\"} 1"))
        #expect(chassis.breakers["carrier:443"]?.dependency == "carrier")
    }

    @Test("a breaker is shown with its figures")
    func figures() async throws {
        let fixture = Fixture()
        let breaker = fixture.breaker("database")
        var shown = try await fixture.json(.get, "/admin/circuit-breakers/database")
        #expect(shown["state"]?.string == "closed")
        #expect(shown["lastChange"]?.isNull == true)
        #expect(shown["openForSeconds"]?.isNull == true)
        fail(breaker)
        shown = try await fixture.json(.get, "/admin/circuit-breakers/database")
        #expect(shown["failures"]?.int64 == 1)
        #expect(shown["failuresInARow"]?.int64 == 1)
        fail(breaker)
        fixture.time.advance(by: .milliseconds(500))
        shown = try await fixture.json(.get, "/admin/circuit-breakers/database")
        #expect(shown["state"]?.string == "open")
        #expect(shown["openForSeconds"]?.double == 1.5)
        #expect(shown["totals"]?["failure"]?.int64 == 2)
        #expect(shown["lastChange"]?["from"]?.string == "closed")
        #expect(shown["lastChange"]?["cause"]?.string == "consecutiveFailures")
        #expect(shown["lastChange"]?["at"]?.string == "2026-01-01T00:00:00.000Z")
    }

    @Test(
        "an operator's wish is done at once, answered with the state, and in the log",
        arguments: [
            ("force-open", CircuitBreakerState.forcedOpen, "forced-open"), ("disable", .disabled, "disabled"),
            ("metrics-only", .metricsOnly, "metrics-only"), ("close", .closed, "closed"), ("reset", .closed, "closed"),
        ])
    func wishes(command: String, state: CircuitBreakerState, label: String) async throws {
        let fixture = Fixture()
        let breaker = fixture.breaker("database")
        fail(breaker)
        fail(breaker)
        #expect(breaker.state == .open)
        let answer = try await fixture.json(.post, "/admin/circuit-breakers/database/\(command)")
        #expect(answer["state"]?.string == label)
        #expect(answer["calls"]?.int64 == 0)
        #expect(breaker.state == state)
        let line = fixture.log.lines.first { $0.contains("an operator controls a circuit breaker") }
        #expect(line?.contains(command) == true)
        #expect(line?.contains("database") == true)
        #expect(line?.contains("operator") == true)
    }

    @Test("an unknown breaker is 404, another method 405, PATCH too, and a body is refused")
    func refusals() async {
        let fixture = Fixture()
        _ = fixture.breaker("database")
        #expect(await fixture.handler.send(.get, "/admin/circuit-breakers/none").slug == "not-found")
        #expect(await fixture.handler.send(.post, "/admin/circuit-breakers/none/force-open").slug == "not-found")
        #expect(await fixture.handler.send(.post, "/admin/circuit-breakers/database/explode").slug == "not-found")
        let base = "/admin/circuit-breakers/database"
        for (method, target) in [
            (HTTPMethod.patch, base), (.delete, base), (.get, base + "/force-open"), (.put, base + "/close"),
            (.post, "/admin/circuit-breakers"),
        ] {
            let response = await fixture.handler.send(method, target)
            #expect(response.status.code == 405, "\(method) \(target)")
            #expect(response.fields["Allow"] != nil)
        }
        #expect(await fixture.handler.send(.post, base + "/close", body: "{}").status.code == 400)
    }
}
