import Clocks
import ServiceChassis
import TestSupport
import Testing

@Suite("Service group", .timeLimit(.minutes(1)))
struct ServiceGroupTests {
    struct Broken: Error {}

    static func service(_ name: String, _ log: Recorder<String>) -> ClosureService {
        ClosureService(name) { life in
            log.record("\(name) runs")
            life.ready()
            await life.stopRequested()
            log.record("\(name) stops")
        }
    }

    @Test("the list is the start order and its reverse the stop order")
    func order() async {
        let log = Recorder<String>()
        let names = ["database", "consumer", "api"]
        let group = ServiceGroup(
            names.map { Self.service($0, log) }, drain: .seconds(20), time: TestTime(),
            observer: { event in
                if case .running = event { log.record("all run") }
                if case .draining = event { log.record("draining") }
            })
        async let outcome = group.run()
        await log.wait(for: "all run")
        group.stop()
        #expect(await outcome == .stopped)
        #expect(
            log.events == [
                "database runs", "consumer runs", "api runs", "all run", "draining", "api stops", "consumer stops",
                "database stops",
            ])
    }

    @Test("a stop that comes before the start is not lost")
    func stopFirst() async {
        let log = Recorder<String>()
        let group = ServiceGroup([Self.service("a", log)], drain: .seconds(1), time: TestTime())
        group.stop()
        #expect(await group.run() == .stopped)
        #expect(log.events == ["a runs", "a stops"])
    }

    @Test("a service that throws stops the others and its error is the outcome")
    func failure() async {
        let log = Recorder<String>()
        let failing = ClosureService("broken") { life in
            life.ready()
            await log.wait(for: "later runs")
            throw Broken()
        }
        let group = ServiceGroup(
            [Self.service("first", log), failing, Self.service("later", log)], drain: .seconds(20),
            time: TestTime())
        let outcome = await group.run()
        #expect(outcome == .serviceEnded(index: 1, reason: "Broken()"))
        #expect(group.describe(outcome) == "broken failed: Broken()")
        #expect(log.events == ["first runs", "later runs", "later stops", "first stops"])
    }

    @Test("what does not stop in time is cancelled at the deadline")
    func drainDeadline() async throws {
        let log = Recorder<String>()
        let time = TestTime()
        let stubborn = ClosureService("stubborn") { life in
            life.ready()
            log.record("runs")
            try await time.sleep(for: .seconds(3600))
        }
        let group = ServiceGroup([stubborn], drain: .seconds(20), time: time)
        async let outcome = group.run()
        await log.wait(for: "runs")
        group.stop()
        try await time.nextTimerScheduled()
        try await time.nextTimerScheduled()
        time.advance(by: .seconds(20))
        #expect(await outcome == .drainDeadlinePassed([0]))
    }

    @Test("what does not even obey its cancellation is abandoned after the grace")
    func abandoned() async throws {
        let log = Recorder<String>()
        let time = TestTime()
        let deaf = ClosureService("deaf") { life in
            life.ready()
            log.record("runs")
            await log.wait(for: "never")
        }
        let group = ServiceGroup([deaf], drain: .seconds(20), time: time)
        async let outcome = group.run()
        await log.wait(for: "runs")
        group.stop()
        try await time.nextTimerScheduled()
        time.advance(by: .seconds(20))
        try await time.nextTimerScheduled()
        time.advance(by: ServiceGroup.grace)
        #expect(await outcome == .drainDeadlinePassed([0]))
        log.record("never")
    }

    @Test("a part that knows only cancellation is cancelled by the request to stop")
    func untilCancelled() async {
        let log = Recorder<String>()
        let part = ClosureService.untilCancelled("pool", ready: { log.record("warm") }) {
            do {
                try await TestTime().sleep(for: .seconds(1))
            } catch {
                log.record("closed")
                throw error
            }
        }
        let group = ServiceGroup([part, Self.service("api", log)], drain: .seconds(20), time: TestTime())
        async let outcome = group.run()
        await log.wait(for: "api runs")
        group.stop()
        #expect(await outcome == .stopped)
        #expect(log.events == ["warm", "api runs", "api stops", "closed"])
    }

    @Test("a part that ends by itself ends the group, even when it only returns")
    func untilCancelledReturns() async {
        let part = ClosureService.untilCancelled("pool") {}
        let group = ServiceGroup([part], drain: .seconds(20), time: TestTime())
        #expect(await group.run() == .serviceEnded(index: 0, reason: nil))
    }
}
