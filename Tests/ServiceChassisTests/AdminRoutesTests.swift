import HTTPCodec
import JSON
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@Suite("Admin port")
struct AdminRoutesTests {
    struct Fixture {
        let health = HealthRegistry(time: TestTime())
        let registry = MetricsRegistry()
        let handler: RequestHandler

        init(environment: [String: String] = [:]) {
            var reader = SettingsReader(SettingsSources(environment: environment))
            _ = DatabaseSettings(reading: &reader)
            let router = AdminRoutes.router(health: health, registry: registry, settings: reader.settings)
            handler = .test(router)
        }
    }

    @Test("health follows the service's phase", arguments: [HTTPMethod.get, .head])
    func health(method: HTTPMethod) async {
        let fixture = Fixture()
        func status(_ probe: String) async -> Int { await fixture.handler.send(method, "/health/\(probe)").status.code }
        #expect(await [status("live"), status("startup"), status("ready")] == [200, 503, 503])
        fixture.health.started()
        #expect(await [status("live"), status("startup"), status("ready")] == [200, 200, 200])
        fixture.health.drain()
        #expect(await [status("live"), status("startup"), status("ready")] == [200, 200, 503])
    }

    @Test("metrics are Prometheus text")
    func metrics() async {
        let fixture = Fixture()
        _ = StandardMetrics(service: "s", registry: fixture.registry)
        let response = await fixture.handler.send(.get, "/metrics")
        #expect(response.fields["Content-Type"] == "text/plain; version=0.0.4")
        #expect(response.text.contains("# TYPE outbox_pending gauge\noutbox_pending{service=\"s\"} 0\n"))
    }

    @Test("settings are shown with their origin, secrets hidden")
    func config() async throws {
        let fixture = Fixture(environment: [
            "DATABASE_URL": "postgres://me:s3cret@db:15432/orders", "DATABASE_POOL_SIZE": "4",
        ])
        let response = await fixture.handler.send(.get, "/admin/config")
        #expect(!response.text.contains("s3cret"))
        let settings = try JSONDocument(parsing: response.bytes ?? []).root["settings"]
        let pool = settings?.elements.first { $0["key"]?.string == "DATABASE_POOL_SIZE" }
        #expect(pool?["value"]?.string == "4")
        #expect(pool?["origin"]?.string == "environment")
        #expect(pool?["default"]?.string == "8")
        let password = settings?.elements.first { $0["key"]?.string == "DATABASE_PASSWORD" }
        #expect(password?["secret"]?.bool == true)
    }

    @Test("connected sources are read when the metrics are asked for")
    func sources() {
        let registry = MetricsRegistry()
        let metrics = StandardMetrics(service: "s", registry: registry)
        metrics.observePool { .init(idle: 1, busy: 2, connecting: 3, maximum: 8) }
        metrics.observeOutbox(pending: { 7 }, oldest: { .milliseconds(1500) })
        metrics.observeConsumerLag { [(topic: "t", partition: 3, lag: 9)] }
        metrics.observeConsumerLag { [(topic: "u", partition: 0, lag: 1)] }
        metrics.observeDeadLetters { [(topic: "t", count: 2)] }
        metrics.setDependency("broker", isHealthy: false)
        let text = String(decoding: registry.text(), as: UTF8.self)
        for line in [
            "db_pool_connections{service=\"s\",state=\"connecting\"} 3", "db_pool_connections_max{service=\"s\"} 8",
            "outbox_pending{service=\"s\"} 7", "outbox_oldest_seconds{service=\"s\"} 1.5",
            "consumer_lag{service=\"s\",topic=\"t\",partition=\"3\"} 9",
            "consumer_lag{service=\"s\",topic=\"u\",partition=\"0\"} 1", "dead_letters{service=\"s\",topic=\"t\"} 2",
            "dependency_health_status{service=\"s\",dependency=\"broker\"} 0",
        ] {
            #expect(text.contains(line + "\n"))
        }
    }
}
