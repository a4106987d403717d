import Clocks
import Resilience
import TestSupport
import Testing

/// What went wrong in other libraries, each as a test. (That a reset leaves no timer running, and both ends of the open
/// time, stand in `CircuitBreakerTimerTests`.)
struct BreakerTrapTests {
    @Test("a result that began before the breaker opened does not count as a half-open trial")
    func olderResultIsNoTrial() {
        let bench = BreakerBench { $0.permittedProbes = 1 }
        guard let good = bench.permit(), let bad = bench.permit() else { return #expect(Bool(false)) }
        for _ in 0..<4 { bench.call(.failure) }
        bench.time.advance(by: .seconds(5))
        guard let probe = bench.permit() else { return #expect(Bool(false)) }
        good.finish(.success)
        #expect(bench.breaker.state == .halfOpen, "an old success must not close it")
        bad.finish(.failure)
        #expect(bench.breaker.state == .halfOpen, "an old failure must not open it")
        #expect(bench.rejection != nil, "an old result must not give the probe's slot back")
        probe.finish(.success)
        #expect(bench.breaker.state == .closed)
    }

    @Test("a trial that is lost does not block half-open for ever")
    func lostTrial() {
        let bench = BreakerBench.ready { $0.permittedProbes = 1 }
        guard let lost = bench.permit() else { return #expect(Bool(false)) }
        bench.time.advance(by: .seconds(30))
        #expect(bench.rejection != nil)
        bench.time.advance(by: .seconds(60))
        #expect(bench.call(.success))
        #expect(bench.breaker.state == .closed)
        lost.finish(.failure)
    }

    @Test("a trial that ends in an error nobody classifies does not block half-open for ever")
    func fatalError() async {
        struct OutOfMemory: Error {}
        let bench = BreakerBench.ready { $0.permittedProbes = 1 }
        for _ in 0..<5 {
            let answer = await bench.breaker.call(classify: { (_: Result<Int, OutOfMemory>) in .neutral }) {
                () async throws(OutOfMemory) in throw OutOfMemory()
            }
            guard case .failure = answer else { return #expect(Bool(false)) }
        }
        // The caller's own error leaves between permit and result.
        func leave() throws {
            guard let permit = bench.permit() else { return #expect(Bool(false)) }
            defer { withExtendedLifetime(bench) {} }
            try { throw OutOfMemory() }()
            permit.finish(.success)
        }
        #expect(throws: OutOfMemory.self) { try leave() }
        #expect(bench.call(.success))
        #expect(bench.breaker.state == .closed)
    }

    @Test("forced open, then opened for a time: nothing is divided by zero and the time is the first one")
    func forcedOpenThenOpen() throws {
        let bench = BreakerBench()
        bench.breaker.forceOpen()
        bench.breaker.trip()
        #expect(bench.breaker.openUntil == bench.time.now.advanced(by: .seconds(5)))
        let snapshot = bench.breaker.snapshot
        #expect(snapshot.failureRate == nil && snapshot.slowCallRate == nil, "of no calls there is no share")
        #expect(snapshot.openingsInARow == 1)
        bench.time.advance(by: .seconds(5))
        bench.call(.success)
        bench.call(.success)
        #expect(bench.breaker.state == .closed)
        let none = Backoff.exponential(base: .seconds(1), cap: .seconds(8), jitter: 0)
        #expect(none.delay(0, after: nil, random: SeededRandom(seed: 1)) == .seconds(1))
    }

    @Test("a breaker that says it is closed never refuses, whatever came before", arguments: replayable(0..<100))
    func closedNeverRefuses(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let bench = BreakerBench { $0.consecutiveFailures = 2 }
        for _ in 0..<200 {
            switch pick(6) {
            case 0: bench.breaker.obey(CircuitBreakerCommand.allCases[pick(5)])
            case 1: bench.time.advance(by: .seconds(pick(20)))
            default: bench.call(CallOutcome.allCases[pick(3)])
            }
            guard bench.breaker.state == .closed else { continue }
            guard let permit = bench.permit() else {
                return #expect(Bool(false), "seed \(seed): closed, and refused")
            }
            permit.finish(.neutral)
        }
    }

    @Test("a window of one call looks at that call alone")
    func windowOfOne() {
        let bench = BreakerBench {
            $0.window = .count(1)
            $0.minimumCalls = 1
            $0.failureRate = 1
        }
        for _ in 0..<5 { bench.call(.success) }
        #expect(bench.breaker.snapshot.calls == 1)
        bench.call(.failure)
        #expect(bench.causes == [.failureRate])
    }

    @Test("a time window of one portion forgets all of it at its end")
    func windowOfOnePortion() {
        let bench = BreakerBench {
            $0.window = .time(.seconds(10), buckets: 1)
            $0.minimumCalls = 2
            $0.failureRate = 1
        }
        bench.time.advance(to: MonotonicInstant(nanoseconds: 19_999_999_999))
        bench.call(.failure)
        bench.time.advance(by: .nanoseconds(1))
        #expect(bench.breaker.snapshot.calls == 0)
        bench.call(.failure)
        #expect(bench.breaker.state == .closed)
        bench.call(.failure)
        #expect(bench.breaker.state == .open)
    }

    @Test("windows and open times read the monotonic clock they were given, and no other")
    func otherClock() throws {
        /// Its wall clock runs backwards and its monotonic one began before zero.
        final class OddTime: TimeSource {
            let time = TestTime(now: MonotonicInstant(nanoseconds: -7_000_000_000))
            var now: MonotonicInstant { time.now }
            var wallNow: Timestamp { Timestamp(milliseconds: 1_000_000 - time.now.nanoseconds / 1000) }
            func sleep(until deadline: MonotonicInstant) async throws { try await time.sleep(until: deadline) }
        }
        let odd = OddTime()
        var configuration = CircuitBreakerConfiguration()
        configuration.window = .time(.seconds(4), buckets: 4)
        configuration.minimumCalls = 2
        configuration.openTime = .exponential(base: .seconds(5), cap: .seconds(5), jitter: 0)
        let breaker = CircuitBreaker(
            name: "odd", configuration: configuration, time: odd, random: SeededRandom(seed: 1))
        func fail() { if case .permitted(let permit) = breaker.admit() { permit.finish(.failure) } }
        fail()
        // The machine's own clocks go on meanwhile; the window stands still with the clock it has.
        #expect(breaker.snapshot.calls == 1)
        odd.time.advance(by: .seconds(4))
        #expect(breaker.snapshot.calls == 0)
        fail()
        odd.time.advance(by: .seconds(3))
        fail()
        #expect(breaker.openUntil == MonotonicInstant(nanoseconds: 5_000_000_000))
        odd.time.advance(by: .seconds(5))
        #expect(breaker.openUntil == nil)
    }

    @Test("attempts are not retries: three attempts are one call and two retries", arguments: 1...4)
    func attemptsAndRetries(attempts: Int) async {
        let log = EventLog()
        let time = TestTime()
        var policy = RetryPolicy()
        policy.maximumAttempts = attempts
        policy.backoff = .exponential(base: .zero, cap: .zero)
        let retry = Retry(
            operation: "charge", policy: policy, time: time, random: SeededRandom(seed: 1), observer: log.observer)
        var made: [Int] = []
        await #expect(throws: ProviderDown.self) {
            try await retry.call { (attempt) async throws in
                made.append(attempt)
                throw ProviderDown()
            }
        }
        #expect(made == Array(1...attempts))
        let retries = log.events.count { if case .retryScheduled = $0 { true } else { false } }
        #expect(retries == attempts - 1)
        #expect(log.events.last == .retryStopped(operation: "charge", attempt: attempts, .attemptsUsed))
    }

    @Test("a share is reached at exactly its number of calls, whatever rounding does")
    func exactShares() {
        // 0.1 × 30 and 100 × 0.07 are a little more than 3 and 7.
        let bench = BreakerBench {
            $0.window = .count(30)
            $0.minimumCalls = 30
            $0.failureRate = 0.1
            $0.permittedProbes = 100
            $0.probeSuccessRatio = 0.07
        }
        for _ in 0..<27 { bench.call(.success) }
        for _ in 0..<2 { bench.call(.failure) }
        #expect(bench.breaker.state == .closed)
        bench.call(.failure)
        #expect(bench.breaker.state == .open)
        bench.time.advance(by: .seconds(5))
        for _ in 0..<6 { bench.call(.success) }
        #expect(bench.breaker.state == .halfOpen)
        bench.call(.success)
        #expect(bench.breaker.state == .closed)
    }
}
