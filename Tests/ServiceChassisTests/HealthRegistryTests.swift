import Clocks
import HTTPCodec
import JSON
import ServiceChassis
import Synchronization
import TestSupport
import Testing

@Suite("Health", .timeLimit(.minutes(1)))
struct HealthRegistryTests {
    @Test("a service is live from the first moment, started and ready once everything runs")
    func phases() async {
        let health = HealthRegistry(time: TestTime())
        #expect(health.live().status == .up)
        #expect(health.startup().status == .down)
        #expect(await health.ready().status == .down)
        health.started()
        #expect(health.startup().status == .up)
        #expect(await health.ready().status == .up)
    }

    @Test("a draining service is not ready at once, and stays live and started")
    func draining() async {
        let health = HealthRegistry(time: TestTime())
        health.started()
        health.drain()
        health.started()
        #expect(await health.ready().status == .down)
        #expect(health.live().status == .up)
        #expect(health.startup().status == .up)
    }

    @Test("a drain that begins while the checks run is not overlooked")
    func drainDuringChecks() async {
        let health = HealthRegistry(time: TestTime())
        health.register(HealthCheck("slow") { health.drain() })
        health.started()
        #expect(await health.ready().status == .down)
    }

    @Test("one check that is down makes the service not ready and says why; live has no checks")
    func down() async throws {
        let health = HealthRegistry(time: TestTime())
        health.register(HealthCheck("database") {})
        health.register(HealthCheck("broker") { throw HealthCheckFailure("no broker answers") })
        health.started()
        let response = await health.ready().response
        #expect(response.status == .serviceUnavailable)
        #expect(response.fields["Cache-Control"] == "no-store")
        #expect(response.fields["Content-Type"] == "application/json")
        let document = try JSONDocument(parsing: response.bytes ?? []).root
        #expect(document["status"]?.string == "down")
        #expect(document["duration"]?.double != nil)
        #expect(document["checks"]?["database"]?["status"]?.string == "up")
        #expect(document["checks"]?["database"]?["detail"]?.isNull == true)
        #expect(document["checks"]?["broker"]?["status"]?.string == "down")
        #expect(document["checks"]?["broker"]?["detail"]?.string == "no broker answers")
        #expect(document["checks"]?["broker"]?["duration"]?.double == 0)
        #expect(health.live().response.bytes == Array(#"{"status":"up","checks":{},"duration":0.0}"#.utf8))
    }

    @Test("a check that does not answer is down after its timeout, even when it ignores its cancellation")
    func timeout() async throws {
        let time = TestTime()
        let never = Recorder<String>()
        let health = HealthRegistry(time: time)
        health.register(HealthCheck("deaf", timeout: .seconds(2)) { await never.wait(for: "ever") })
        health.started()
        async let report = health.ready()
        try await time.nextTimerScheduled()
        time.advance(by: .seconds(2))
        let check = await report.checks.last
        #expect(check?.status == .down)
        #expect(check?.detail == "no answer within 2 s")
        never.record("ever")
    }

    @Test("checks run at the same time")
    func concurrent() async {
        let log = Recorder<String>()
        let health = HealthRegistry(time: TestTime())
        health.register(
            HealthCheck("a") {
                log.record("a")
                await log.wait(for: "b")
            })
        health.register(
            HealthCheck("b") {
                log.record("b")
                await log.wait(for: "a")
            })
        health.started()
        #expect(await health.ready().status == .up)
    }

    @Test("a result answers the probes of the next moment, then is looked up again")
    func cache() async {
        let time = TestTime()
        let runs = Atomic(0)
        let health = HealthRegistry(time: time, freshness: .milliseconds(500))
        health.register(HealthCheck("counted") { runs.wrappingAdd(1, ordering: .relaxed) })
        health.started()
        for _ in 0..<5 { _ = await health.ready() }
        #expect(runs.load(ordering: .relaxed) == 1)
        time.advance(by: .milliseconds(500))
        _ = await health.ready()
        #expect(runs.load(ordering: .relaxed) == 2)
    }
}
