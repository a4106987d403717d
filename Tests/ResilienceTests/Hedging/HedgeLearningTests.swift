import Clocks
import Resilience
import TestSupport
import Testing

/// What the delay is learnt from.
struct HedgeLearningTests {
    private let time = TestTime()
    private let calls = HeldCalls()
    private let log = EventLog()

    private func hedge() -> Hedge {
        var configuration = HedgeConfiguration()
        configuration.minimumSamples = 1
        configuration.fallbackDelay = .milliseconds(100)
        configuration.maximumDelay = .seconds(10)
        return Hedge(
            operation: "quote", safety: .keyed, configuration: configuration,
            budget: RetryBudget(name: "inventory", time: time), time: time, observer: log.observer)
    }

    private func start(_ hedge: Hedge) -> Task<Int, any Error> {
        Task { [calls] in try await hedge.call { try await calls.run($0) } }
    }

    /// As far from the truth as the sketch may be.
    private func isAbout(_ delay: Duration, _ truth: Duration) -> Bool {
        delay >= truth && delay <= truth * 33 / 32 + .microseconds(2)
    }

    @Test("from a first call that ended well")
    func good() async throws {
        let hedge = hedge()
        let task = start(hedge)
        try await time.nextTimerScheduled()
        time.advance(by: .milliseconds(40))
        await calls.end(1, .success(7))
        _ = try await task.value
        #expect(isAbout(hedge.currentDelay, .milliseconds(40)))
    }

    @Test("from one that was beaten: it took at least until then, and not how long it took to give up")
    func beaten() async throws {
        let (hedge, calls, time) = (hedge(), calls, time)
        let stubborn = HeldCalls()
        let task = Task {
            try await hedge.call { (attempt) async throws -> Int in
                guard attempt == 1 else { return try await calls.run(2) }
                // Does not obey cancellation.
                return try await Task { try await stubborn.run(1) }.value
            }
        }
        time.advance(to: try await time.nextTimerScheduled())
        await until { calls.underWay == 1 }
        time.advance(by: .milliseconds(50))
        await calls.end(2, .success(22))
        await until { log.events.contains(.hedgeWon(operation: "quote", attempt: 2)) }
        time.advance(by: .seconds(5))
        await stubborn.end(1, .success(11))
        #expect(try await task.value == 22)
        #expect(isAbout(hedge.currentDelay, .milliseconds(150)))
    }

    @Test("not from failures, whose times say nothing about good answers")
    func failed() async throws {
        let hedge = hedge()
        let task = start(hedge)
        try await time.nextTimerScheduled()
        time.advance(by: .milliseconds(40))
        await calls.end(1, .failure(ProviderDown()))
        _ = await task.result
        #expect(hedge.currentDelay == .milliseconds(100))
    }

    @Test("not from rivals, which are only seen when they are fast")
    func rivals() async throws {
        let hedge = hedge()
        let task = start(hedge)
        time.advance(to: try await time.nextTimerScheduled())
        await until { calls.underWay == 2 }
        await calls.end(1, .failure(ProviderDown()))
        await until { calls.underWay == 1 }
        await calls.end(2, .success(22))
        _ = try await task.value
        // The rival took no time at all. Of the first it is at most known that it took longer than the delay.
        #expect(isAbout(hedge.currentDelay, .milliseconds(100)))
    }
}
