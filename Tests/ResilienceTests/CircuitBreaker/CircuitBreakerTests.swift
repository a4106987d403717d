import Clocks
import Resilience
import TestSupport
import Testing

struct CircuitBreakerTests {
    @Test("it opens at the failure rate, but not before the minimum of calls")
    func failureRate() {
        let bench = BreakerBench()
        bench.call(.failure)
        bench.call(.failure)
        bench.call(.success)
        #expect(bench.breaker.state == .closed)
        bench.call(.success)
        #expect(bench.breaker.state == .open)
        #expect(bench.causes == [.failureRate])
    }

    @Test("below the failure rate it stays closed for ever")
    func belowRate() {
        let bench = BreakerBench()
        for _ in 0..<100 {
            bench.call(.success)
            bench.call(.success)
            bench.call(.failure)
        }
        #expect(bench.breaker.state == .closed)
    }

    @Test("failures that have left the count window no longer count")
    func countWindow() {
        let bench = BreakerBench { $0.minimumCalls = 10 }
        for _ in 0..<4 { bench.call(.failure) }
        for _ in 0..<8 { bench.call(.success) }
        for _ in 0..<2 { bench.call(.failure) }
        #expect(bench.breaker.state == .closed)
        #expect(bench.breaker.snapshot.failures == 2)
        bench.call(.failure)
        bench.call(.failure)
        #expect(bench.breaker.snapshot.calls == 10)
    }

    @Test("failures that have left the time window no longer count")
    func timeWindow() {
        let bench = BreakerBench { $0.window = .time(.seconds(10), buckets: 10) }
        for _ in 0..<3 { bench.call(.failure) }
        bench.time.advance(by: .seconds(11))
        bench.call(.failure)
        #expect(bench.breaker.state == .closed)
        #expect(bench.breaker.snapshot.failures == 1)
        for _ in 0..<3 { bench.call(.failure) }
        #expect(bench.breaker.state == .open)
    }

    @Test("it opens at the slow-call rate, though every call succeeds")
    func slowCalls() {
        let bench = BreakerBench {
            $0.slowCallRate = 0.5
            $0.slowCallDuration = .seconds(1)
        }
        for _ in 0..<2 { bench.call(.success, lasting: .milliseconds(999)) }
        for _ in 0..<2 { bench.call(.success, lasting: .seconds(1)) }
        #expect(bench.causes == [.slowCallRate])
    }

    @Test("calls are not timed where no slow-call rate is set")
    func slownessIgnored() {
        let bench = BreakerBench { $0.slowCallDuration = .milliseconds(1) }
        for _ in 0..<20 { bench.call(.success, lasting: .seconds(1)) }
        #expect(bench.breaker.state == .closed)
        #expect(bench.breaker.snapshot.slowCalls == 0)
    }

    @Test("it opens after failures in a row, before the minimum of calls; a success starts the count again")
    func consecutiveFailures() {
        let bench = BreakerBench {
            $0.consecutiveFailures = 3
            $0.minimumCalls = 10
        }
        [.failure, .failure, .success, .failure, .neutral, .failure].forEach { bench.call($0) }
        #expect(bench.breaker.state == .closed)
        bench.call(.failure)
        #expect(bench.causes == [.consecutiveFailures])
    }

    @Test("open, it refuses with its name, its state and the time that remains")
    func refusal() {
        let bench = BreakerBench.open()
        bench.time.advance(by: .seconds(2))
        let rejection = Rejection.circuitOpen(breaker: "payment", state: .open, retryAfter: .seconds(3))
        #expect(bench.rejection == rejection)
        #expect(bench.log.events.last == .rejected(rejection))
        #expect(rejection.description.contains("payment is open"))
        #expect(bench.breaker.openUntil == bench.time.now.advanced(by: .seconds(3)))
    }

    @Test("it stays open longer each time it opens again, up to the cap, and starts over once it has closed")
    func growingOpenTime() throws {
        let bench = BreakerBench.open { $0.openTime = .exponential(base: .seconds(5), cap: .seconds(15), jitter: 0) }
        for expected in [5, 10, 15, 15] {
            let until = try #require(bench.breaker.openUntil)
            #expect(bench.time.now.duration(to: until) == .seconds(expected))
            bench.time.advance(to: until)
            bench.call(.failure)
        }
        bench.time.advance(by: .seconds(15))
        bench.call(.success)
        bench.call(.success)
        #expect(bench.breaker.state == .closed)
        for _ in 0..<4 { bench.call(.failure) }
        #expect(bench.breaker.openUntil == bench.time.now.advanced(by: .seconds(5)))
    }

    @Test("open times are spread by jitter, and never longer than without")
    func jitteredOpenTime() throws {
        let times = try (0..<UInt64(50)).map { seed in
            let time = TestTime()
            var configuration = CircuitBreakerConfiguration()
            configuration.consecutiveFailures = 1
            configuration.openTime = .exponential(base: .seconds(10), cap: .seconds(10), jitter: 0.5)
            let breaker = CircuitBreaker(
                name: "b", configuration: configuration, time: time, random: SeededRandom(seed: seed))
            if case .permitted(let permit) = breaker.admit() { permit.finish(.failure) }
            return time.now.duration(to: try #require(breaker.openUntil))
        }
        #expect(Set(times).count == 50)
        #expect(times.allSatisfy { $0 > .seconds(5) && $0 <= .seconds(10) })
    }

    @Test("neutral outcomes are counted, and judged by nobody")
    func neutral() {
        let bench = BreakerBench()
        for _ in 0..<50 { bench.call(.neutral) }
        #expect(bench.breaker.state == .closed)
        #expect(bench.breaker.snapshot.calls == 0)
        #expect(bench.breaker.snapshot.counts[.closed, .neutral] == 50)
    }

    @Test("the counts tell what came of every call, by state")
    func counts() {
        let bench = BreakerBench.open()
        _ = bench.rejection
        bench.time.advance(by: .seconds(5))
        bench.call(.success)
        let counts = bench.breaker.snapshot.counts
        #expect(counts[.closed, .failure] == 4)
        #expect(counts[.open, .rejected] == 1)
        #expect(counts[.halfOpen, .success] == 1)
        #expect(counts.total(.success) == 1 && counts.total(.late) == 0)
    }
}

struct CircuitBreakerOperatorTests {
    @Test("forced open it refuses everything until it is reset")
    func forcedOpen() {
        let bench = BreakerBench()
        bench.breaker.forceOpen()
        bench.time.advance(by: .seconds(3600))
        #expect(bench.rejection == .circuitOpen(breaker: "payment", state: .forcedOpen, retryAfter: nil))
        #expect(bench.breaker.openUntil == .distantFuture)
        bench.breaker.reset()
        #expect(bench.call(.success))
    }

    @Test("disabled it lets everything pass and judges nothing")
    func disabled() {
        let bench = BreakerBench()
        bench.breaker.disable()
        for _ in 0..<100 { #expect(bench.call(.failure)) }
        #expect(bench.breaker.state == .disabled)
        #expect(bench.breaker.snapshot.calls == 0)
    }

    @Test("for metrics only it sees the failures and never opens")
    func metricsOnly() {
        let bench = BreakerBench()
        bench.breaker.useForMetricsOnly()
        for _ in 0..<100 { #expect(bench.call(.failure)) }
        #expect(bench.breaker.state == .metricsOnly)
        #expect(bench.breaker.snapshot.failures == 10)
    }

    @Test("a reset closes it and forgets what it has seen, growth included")
    func reset() {
        let bench = BreakerBench.ready()
        bench.call(.failure)
        bench.breaker.reset()
        #expect(bench.breaker.state == .closed)
        #expect(bench.breaker.snapshot.calls == 0)
        for _ in 0..<4 { bench.call(.failure) }
        #expect(bench.breaker.openUntil == bench.time.now.advanced(by: .seconds(5)))
    }

    @Test("numbers that make no sense are all named")
    func faults() {
        var configuration = CircuitBreakerConfiguration()
        #expect(configuration.faults.isEmpty)
        configuration.window = .count(10)
        configuration.failureRate = 0
        configuration.slowCallRate = 1.1
        configuration.permittedProbes = 0
        configuration.maximumHalfOpenWait = .zero
        configuration.consecutiveFailures = 0
        configuration.slowCallDuration = .zero
        configuration.openTime = .exponential(base: .seconds(2), factor: 0.5, cap: .seconds(1), jitter: 2)
        #expect(configuration.faults.count == 10)
        configuration = CircuitBreakerConfiguration()
        configuration.window = .time(.zero, buckets: 0)
        #expect(configuration.faults.count == 2)
    }
}

struct CircuitBreakerCallTests {
    @Test("a call's value, its typed error and a refusal are three different answers")
    func answers() async throws {
        let bench = BreakerBench { $0.consecutiveFailures = 1 }
        let value = await bench.breaker.call { () async throws(ProviderDown) in 7 }
        guard case .success(7) = value else { return #expect(Bool(false)) }
        let error: Guarded<Int, ProviderDown> = await bench.breaker.call { () async throws(ProviderDown) in
            throw ProviderDown()
        }
        guard case .failure(ProviderDown()) = error else { return #expect(Bool(false)) }
        let refused: Guarded<Int, ProviderDown> = await bench.breaker.call { () async throws(ProviderDown) in 7 }
        #expect(throws: Rejection.self) { try refused.get() }
    }

    @Test("a cancelled call and the refusal of another policy say nothing about the dependency")
    func neutralErrors() async {
        let bench = BreakerBench { $0.consecutiveFailures = 1 }
        _ = await bench.breaker.call { () async throws -> Int in throw CancellationError() }
        _ = await bench.breaker.call { () async throws -> Int in
            throw Rejection.bulkheadFull(bulkhead: "b", limit: 1, queueLimit: 0)
        }
        #expect(bench.breaker.state == .closed)
        _ = await bench.breaker.call { () async throws -> Int in
            throw Rejection.timedOut(operation: "o", limit: .seconds(1))
        }
        #expect(bench.breaker.state == .open)
    }

    @Test("a value can be classified as a failure")
    func classified() async {
        let bench = BreakerBench { $0.consecutiveFailures = 1 }
        let answer = await bench.breaker.call(classify: { (result: Result<Int, Never>) in
            result.get() >= 500 ? .failure : .success
        }) { () async throws(Never) in 503 }
        guard case .success(503) = answer else { return #expect(Bool(false)) }
        #expect(bench.breaker.state == .open)
    }
}
