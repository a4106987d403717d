import Clocks
import Resilience
import TestSupport
import Testing

/// The timer ends open and half-open times when they are due, though nobody calls.
@Suite(.timeLimit(.minutes(5)))
struct CircuitBreakerTimerTests {
    private static func timed(_ configuration: inout CircuitBreakerConfiguration) {
        configuration.changesByTimer = true
    }

    /// Waits until the timer sleeps until this moment.
    private func timerSleeps(until instant: MonotonicInstant, _ bench: BreakerBench) async throws {
        while try await bench.time.nextTimerScheduled() != instant {}
    }

    /// The timer's task runs when it likes; what it is to do is awaited without a clock.
    private func becomes(_ state: CircuitBreakerState, _ bench: BreakerBench) async {
        while bench.breaker.state != state { await Task.yield() }
    }

    @Test("the timer makes it half-open at exactly the end of the open time, and reports it, without any call")
    func opensByTimer() async throws {
        let bench = BreakerBench.open(Self.timed)
        let end = try #require(bench.breaker.openUntil)
        try await timerSleeps(until: end, bench)
        bench.time.advance(to: end.advanced(by: .nanoseconds(-1)))
        #expect(bench.breaker.state == .open)
        #expect(bench.time.sleeperCount == 1)
        bench.time.advance(to: end)
        await becomes(.halfOpen, bench)
        #expect(bench.causes == [.failureRate, .openTimeOver])
        #expect(bench.breaker.snapshot.probesOut == 0)
    }

    @Test("both ends of the open time: a call is refused a nanosecond before the end and allowed at exactly the end")
    func exactEnd() throws {
        let bench = BreakerBench.open()
        let end = try #require(bench.breaker.openUntil)
        bench.time.advance(to: end.advanced(by: .nanoseconds(-1)))
        #expect(
            bench.rejection == .circuitOpen(breaker: "payment", state: .open, retryAfter: .nanoseconds(1)))
        bench.time.advance(to: end)
        #expect(bench.breaker.openUntil == nil)
        #expect(bench.call(.success))
        #expect(bench.breaker.state == .halfOpen)
    }

    @Test("an operator's command leaves no timer running", arguments: CircuitBreakerCommand.allCases)
    func commandEndsTimer(command: CircuitBreakerCommand) async throws {
        let bench = BreakerBench.open(Self.timed)
        let end = try #require(bench.breaker.openUntil)
        try await timerSleeps(until: end, bench)
        bench.time.advance(by: .seconds(1))
        bench.breaker.obey(command)
        // Tripping anew begins a new open time, whose end lies later; all else ends the waiting.
        let sleepers = command == .trip ? 1 : 0
        if command == .trip { try await timerSleeps(until: end.advanced(by: .seconds(1)), bench) }
        while bench.time.sleeperCount != sleepers { await Task.yield() }
        let state = bench.breaker.state
        bench.time.advance(to: end)
        for _ in 0..<100 { await Task.yield() }
        #expect(bench.breaker.state == state)
        #expect(!bench.causes.contains(.openTimeOver))
    }

    @Test("probes that do not come back are lost when it is time, though nobody calls")
    func lostByTimer() async throws {
        let bench = BreakerBench.ready {
            Self.timed(&$0)
            $0.maximumHalfOpenWait = .seconds(30)
        }
        await becomes(.halfOpen, bench)
        guard let hung = bench.permit(), let alsoHung = bench.permit() else { return #expect(Bool(false)) }
        let lost = bench.time.now.advanced(by: .seconds(30))
        try await timerSleeps(until: lost, bench)
        bench.time.advance(to: lost)
        await becomes(.open, bench)
        #expect(bench.causes.last == .probesLost)
        hung.finish(.success)
        alsoHung.finish(.success)
        #expect(bench.breaker.state == .open)
    }

    @Test("probes that come back in time end the waiting for them")
    func backInTime() async throws {
        let bench = BreakerBench.ready(Self.timed)
        await becomes(.halfOpen, bench)
        guard let first = bench.permit(), let second = bench.permit() else { return #expect(Bool(false)) }
        try await timerSleeps(until: bench.time.now.advanced(by: .seconds(30)), bench)
        first.finish(.success)
        second.finish(.success)
        #expect(bench.breaker.state == .closed)
        while bench.time.sleeperCount != 0 { await Task.yield() }
    }

    @Test("a breaker that is forgotten takes its timer with it")
    func forgotten() async throws {
        let time = TestTime()
        do {
            var configuration = CircuitBreakerConfiguration()
            configuration.changesByTimer = true
            let breaker = CircuitBreaker(
                name: "b", configuration: configuration, time: time, random: SeededRandom(seed: 1))
            breaker.trip()
            try await time.nextTimerScheduled()
            withExtendedLifetime(breaker) {}
        }
        while time.sleeperCount != 0 { await Task.yield() }
    }
}

/// A half-open period that takes too long.
struct HalfOpenTimeTests {
    private func bench(_ end: CircuitBreakerConfiguration.HalfOpenEnd) -> BreakerBench {
        BreakerBench.ready {
            $0.maximumHalfOpenTime = .seconds(20)
            $0.maximumHalfOpenWait = .seconds(100)
            $0.halfOpenEnd = end
            $0.permittedProbes = 4
            $0.probeSuccessRatio = 0.5
        }
    }

    @Test("when the longest half-open time is over it opens again, for longer, though a probe had succeeded")
    func opens() throws {
        let bench = bench(.open)
        bench.call(.success)
        bench.time.advance(by: .nanoseconds(19_999_999_999))
        guard let probe = bench.permit() else { return #expect(Bool(false)) }
        bench.time.advance(by: .nanoseconds(1))
        #expect(bench.rejection == .circuitOpen(breaker: "payment", state: .open, retryAfter: .seconds(10)))
        #expect(bench.causes.last == .halfOpenTimeOver)
        probe.finish(.success)
        #expect(bench.breaker.state == .open)
    }

    @Test("where it is to close then, it closes and begins anew")
    func closes() {
        let bench = bench(.closed)
        bench.call(.failure, lasting: .seconds(1))
        bench.call(.neutral)
        guard let probe = bench.permit() else { return #expect(Bool(false)) }
        bench.time.advance(by: .seconds(20))
        #expect(bench.call(.success))
        #expect(bench.breaker.state == .closed)
        #expect(bench.breaker.snapshot.openingsInARow == 0)
        probe.finish(.failure)
        #expect(bench.breaker.snapshot.failures == 0)
    }

    @Test("a result that comes at the end of the half-open time comes too late, with or without a call before it")
    func resultAtTheEnd() {
        let bench = BreakerBench.ready {
            $0.maximumHalfOpenTime = .seconds(20)
            $0.permittedProbes = 1
        }
        bench.call(.success, lasting: .seconds(20))
        #expect(bench.causes.last == .halfOpenTimeOver)
        #expect(bench.breaker.snapshot.counts[.halfOpen, .late] == 1)
    }
}
