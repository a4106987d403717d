import Clocks
import HTTPCodec
import LocalStack
import Postgres
import Resilience
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@Suite("A database behind its circuit breaker", .timeLimit(.minutes(2)))
struct DatabaseBreakerTests {
    private static let time = SystemTime()

    /// Waits until a condition holds that no event tells of.
    private func eventually(_ what: Comment, _ condition: () async -> Bool) async throws {
        let end = Self.time.now.advanced(by: .seconds(20))
        while await !condition() {
            guard Self.time.now < end else {
                Issue.record(what)
                return
            }
            try await Self.time.sleep(for: .milliseconds(2))
        }
    }

    private func state(_ chassis: Chassis) -> String? {
        let text = String(decoding: chassis.metrics.registry.text(), as: UTF8.self)
        let prefix = "circuit_breaker_state{service=\"s\",circuit_breaker=\"database\"} "
        return text.split(separator: "\n").first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    @Test("opens when it goes away, answers 503 at once, and is in use about a second after it is back, by itself")
    func outage() async throws {
        try await TestPostgres.withOwnServer { server in
            let url = "postgres://\(server.configuration.user)@127.0.0.1:\(server.configuration.port)/postgres"
            let chassis = DatabaseTests.chassis()
            let parts = chassis.database(try DatabaseTests.settings(url), migrations: [])
            let life = ServiceLife()
            async let running: Void = parts.pool.run(life)
            chassis.health.started()
            try await eventually("the database answers") {
                parts.client.breaker?.state == .closed && state(chassis) == "0"
            }
            var router = Router()
            router.get("/rows", access: .everyone) { context in
                _ = try await parts.client.query(Statement("SELECT 1"), deadline: context.deadline)
                return .json(Array("{}".utf8))
            }
            let handler = RequestHandler.test(router, time: Self.time)
            #expect(await handler.send(.get, "/rows").status == .ok)

            await server.kill()
            try await eventually("the circuit opens") {
                _ = await handler.send(.get, "/rows")
                return state(chassis) == "1"
            }
            let answer = await handler.send(.get, "/rows")
            #expect(answer.slug == "dependency-unavailable")
            #expect(answer.fields["Retry-After"] == "1")
            #expect(await chassis.health.ready().status == .down)

            let next = try await PostgresServer.start(server.configuration)
            let back = Self.time.now
            // Nobody calls: the probe alone has to find out.
            try await eventually("the circuit closes") { parts.client.breaker?.state == .closed }
            let elapsed = back.duration(to: Self.time.now)
            #expect(elapsed < .seconds(2), "it took \(elapsed)")
            #expect(await handler.send(.get, "/rows").status == .ok)
            life.stop()
            try await running
            await next.kill()
        }
    }

    @Test("migrations wait for a database that is not there yet, whatever the circuit says meanwhile")
    func migrationsWait() async throws {
        try await TestPostgres.withOwnServer { server in
            await server.kill()
            let url = "postgres://\(server.configuration.user)@127.0.0.1:\(server.configuration.port)/postgres"
            let chassis = DatabaseTests.chassis()
            let parts = chassis.database(try DatabaseTests.settings(url), migrations: [IdempotencyStore.migration])
            let log = Recorder<String>()
            let group = ServiceGroup([parts.pool, parts.schema], drain: .seconds(5), time: Self.time) { event in
                if case .running = event { log.record("runs") }
            }
            async let outcome = group.run()
            try await eventually("the circuit opens") { parts.client.breaker?.state.refuses == true }
            let next = try await PostgresServer.start(server.configuration)
            await log.wait(for: "runs")
            #expect(parts.client.breaker?.state == .closed)
            group.stop()
            #expect(await outcome == .stopped)
            await next.kill()
        }
    }
}
