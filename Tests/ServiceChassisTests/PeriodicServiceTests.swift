import Clocks
import ServiceChassis
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("Periodic work", .timeLimit(.minutes(1)))
struct PeriodicServiceTests {
    struct Broken: Error {}

    @Test("it is done at once, then after each interval, whether it failed or not, until asked to stop")
    func rounds() async throws {
        let time = TestTime()
        let count = Atomic(0)
        let part = ClosureService.periodic("p", every: .seconds(60), time: time, logger: .silent) {
            count.wrappingAdd(1, ordering: .relaxed)
            throw Broken()
        }
        let life = ServiceLife()
        async let running: Void = part.run(life)
        for round in 1...3 {
            let next = try await time.nextTimerScheduled()
            #expect(count.load(ordering: .relaxed) == round)
            #expect(time.now.duration(to: next) == .seconds(60))
            time.advance(to: next)
        }
        life.stop()
        try await running
    }

    @Test("a request to stop cancels what is under way")
    func stop() async throws {
        let log = Recorder<String>()
        let part = ClosureService.periodic("p", every: .seconds(60), time: TestTime(), logger: .silent) {
            log.record("begun")
            do { try await TestTime().sleep(for: .seconds(1)) } catch { log.record("cancelled") }
        }
        let life = ServiceLife()
        async let running: Void = part.run(life)
        await log.wait(for: "begun")
        life.stop()
        try await running
        #expect(log.events == ["begun", "cancelled"])
    }
}
