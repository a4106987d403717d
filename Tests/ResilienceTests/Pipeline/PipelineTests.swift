import Clocks
import Resilience
import TestSupport
import Testing

/// What each policy of a pipeline does to a call, and in which order they stand.
struct PipelineTests {
    private let time = TestTime()
    private let log = EventLog()

    private func pipeline(
        _ safety: CallSafety = .safe, budget: RetryBudget? = nil, _ change: (inout PipelineConfiguration) -> Void
    ) throws -> Pipeline {
        var configuration = PipelineConfiguration(safety: safety)
        change(&configuration)
        return try Pipeline(
            "provider", configuration, budget: budget, time: time, random: SeededRandom(seed: 1),
            observer: log.observer)
    }

    private static let twice: RetryPolicy = {
        var policy = RetryPolicy()
        policy.maximumAttempts = 2
        policy.backoff = .exponential(base: .zero, cap: .zero, jitter: 0)
        return policy
    }()

    private static let opensAtOnce: CircuitBreakerConfiguration = {
        var configuration = CircuitBreakerConfiguration()
        configuration.window = .count(1)
        configuration.minimumCalls = 1
        return configuration
    }()

    /// A call that fails as often as said, then succeeds; counts its attempts.
    private final class Flaky: Sendable {
        private let left: Lock<Int>
        private let made = Lock(0)

        init(failures: Int) { left = Lock(failures) }

        var attempts: Int { made.withLock { $0 } }

        func call(_ attempt: Int) async throws(ProviderDown) -> Int {
            made.withLock { $0 += 1 }
            let fails = left.withLock { left in
                left -= 1
                return left >= 0
            }
            if fails { throw ProviderDown() }
            return attempt
        }
    }

    private static let down: @Sendable (Int) async throws(ProviderDown) -> Int = { _ async throws(ProviderDown) in
        throw ProviderDown()
    }

    @Test("without policies the call is made once and its result handed on")
    func bare() async throws {
        let pipeline = try pipeline { _ in }
        let value = try await pipeline.call { (attempt) async throws(ProviderDown) in attempt }.get()
        #expect(value == 1)
        await #expect(throws: ProviderDown()) { try await pipeline.call(Self.down).get() }
        #expect(log.events.isEmpty)
    }

    @Test("work whose deadline has passed is not begun, and that is reported")
    func deadlinePassed() async throws {
        let pipeline = try pipeline { $0.rateLimit = RateLimit(permits: 1, per: .seconds(60)) }
        let flaky = Flaky(failures: 0)
        let result = await withDeadline(Deadline(at: time.now)) { await pipeline.call(flaky.call) }
        #expect(throws: Rejection.deadlineExceeded(operation: "provider")) { try result.get() }
        #expect(flaky.attempts == 0)
        #expect(log.events == [.rejected(.deadlineExceeded(operation: "provider"))])
        // The deadline stands before the rate limit: its only permit is still there.
        #expect(try await pipeline.call(flaky.call).get() == 1)
    }

    @Test("what the rate limit refuses takes no place and says nothing to the breaker")
    func rateLimitComesFirst() async throws {
        let pipeline = try pipeline {
            $0.rateLimit = RateLimit(permits: 1, per: .seconds(60))
            $0.bulkhead = Bulkhead.Configuration()
            $0.breaker = CircuitBreakerConfiguration()
        }
        _ = await pipeline.call(Flaky(failures: 0).call)
        let result = await pipeline.call(Flaky(failures: 0).call)
        #expect(throws: Rejection.rateLimited(limiter: "provider", retryAfter: .seconds(60))) { try result.get() }
        #expect(pipeline.breaker?.snapshot.counts.total(.success) == 1)
        #expect(pipeline.breaker?.snapshot.counts.total(.rejected) == 0)
        #expect(pipeline.bulkhead?.snapshot.inUse == 0)
    }

    @Test("what finds no place in the bulkhead says nothing to the breaker")
    func bulkheadStandsBeforeBreaker() async throws {
        let pipeline = try pipeline {
            $0.bulkhead = Bulkhead.Configuration()
            $0.bulkhead?.limit = 1
            $0.breaker = CircuitBreakerConfiguration()
        }
        let inner = await pipeline.call { (_) async throws(ProviderDown) in
            await pipeline.call(Flaky(failures: 0).call)
        }
        #expect(throws: Rejection.bulkheadFull(bulkhead: "provider", limit: 1, queueLimit: 0)) {
            try inner.get().get()
        }
        #expect(pipeline.breaker?.snapshot.counts.total(.success) == 1)
        #expect(pipeline.breaker?.snapshot.counts.total(.rejected) == 0)
    }

    @Test("the place is given back however the call ends")
    func placeComesBack() async throws {
        let pipeline = try pipeline {
            $0.bulkhead = Bulkhead.Configuration()
            $0.bulkhead?.limit = 1
            $0.breaker = Self.opensAtOnce
        }
        _ = await pipeline.call(Flaky(failures: 0).call)
        _ = await pipeline.call(Self.down)
        let refused = await pipeline.call(Flaky(failures: 0).call)
        #expect(throws: Rejection.self) { try refused.get() }
        #expect(pipeline.bulkhead?.snapshot.inUse == 0)
    }

    @Test("the breaker sees a retried call as one, and its outcome is that of the last attempt")
    func breakerSeesTheCall() async throws {
        let pipeline = try pipeline {
            $0.breaker = Self.opensAtOnce
            $0.retry = Self.twice
        }
        #expect(try await pipeline.call(Flaky(failures: 1).call).get() == 2)
        #expect(pipeline.breaker?.state == .closed)
        #expect(pipeline.breaker?.snapshot.counts.total(.success) == 1)
        let flaky = Flaky(failures: 2)
        _ = await pipeline.call(flaky.call)
        #expect(flaky.attempts == 2)
        #expect(pipeline.breaker?.state == .open)
        #expect(pipeline.breaker?.snapshot.counts.total(.failure) == 1)
    }

    @Test("with the attempt's scope the breaker sees each attempt, and ends the retries once it opens")
    func breakerSeesAttempts() async throws {
        let pipeline = try pipeline {
            $0.breaker = Self.opensAtOnce
            $0.breakerScope = .attempt
            $0.retry = Self.twice
            $0.retry?.maximumAttempts = 5
        }
        let flaky = Flaky(failures: 5)
        let result = await pipeline.call(flaky.call)
        #expect(flaky.attempts == 1)
        guard case .rejected(.circuitOpen) = result else {
            Issue.record("the second attempt was not refused: \(result)")
            return
        }
    }

    @Test("attempts are counted from one: a maximum of N makes N calls, not N retries", arguments: 1...4)
    func attemptsNotRetries(maximum: Int) async throws {
        let pipeline = try pipeline {
            $0.retry = Self.twice
            $0.retry?.maximumAttempts = maximum
        }
        let flaky = Flaky(failures: .max)
        _ = await pipeline.call(flaky.call)
        #expect(flaky.attempts == maximum)
    }

    @Test("an unsafe operation is made again only after an attempt that certainly had no effect")
    func unsafeIsNotRepeated() async throws {
        let pipeline = try pipeline(.unsafe) {
            $0.retry = Self.twice
            $0.retriesOnlyWithoutEffect = true
        }
        let unknown = Flaky(failures: 1)
        _ = await pipeline.call(unknown.call)
        #expect(unknown.attempts == 1)
        let notSent = Flaky(failures: 1)
        _ = await pipeline.call(
            report: { (result: Result<Int, ProviderDown>) in
                var report = CallReport.standard(result)
                report.hadNoEffect = true
                return report
            }, notSent.call)
        #expect(notSent.attempts == 2)
    }

    @Test("a retry that the budget cannot pay for is not made")
    func budget() async throws {
        var none = RetryBudgetConfiguration()
        none.share = 0
        none.floorPerSecond = 0
        let pipeline = try pipeline(budget: RetryBudget(name: "provider", configuration: none, time: time)) {
            $0.retry = Self.twice
        }
        let flaky = Flaky(failures: 1)
        _ = await pipeline.call(flaky.call)
        #expect(flaky.attempts == 1)
        #expect(log.events == [.retryStopped(operation: "provider", attempt: 1, .budgetEmpty)])
    }

    @Test("good calls earn further ones, failed calls do not")
    func deposits() async throws {
        var configuration = RetryBudgetConfiguration()
        configuration.share = 1
        configuration.floorPerSecond = 0
        let budget = RetryBudget(name: "provider", configuration: configuration, time: time)
        let pipeline = try pipeline(budget: budget) { _ in }
        _ = await pipeline.call(Flaky(failures: 0).call)
        #expect(budget.balance == 1)
        _ = await pipeline.call(Self.down)
        #expect(budget.balance == 1)
    }

    @Test("cancellation earns nothing, as it says nothing")
    func cancellationEarnsNothing() async throws {
        var configuration = RetryBudgetConfiguration()
        configuration.floorPerSecond = 0
        configuration.share = 1
        let budget = RetryBudget(name: "provider", configuration: configuration, time: time)
        let pipeline = try pipeline(budget: budget) { $0.retry = Self.twice }
        _ = await pipeline.call { (_) async throws(CancellationError) -> Int in throw CancellationError() }
        _ = await pipeline.call { (_) async throws(Rejection) -> Int in throw Rejection.noEndpoint(balancer: "others") }
        #expect(budget.balance == 0)
        #expect(log.events.isEmpty)
    }

    @Test("the total and the attempt's timeout reach the call as its deadline, the earliest counts")
    func deadlines() async throws {
        let pipeline = try pipeline {
            $0.totalTimeout = .seconds(5)
            $0.attemptTimeout = .seconds(2)
        }
        func seen() async throws -> Duration? {
            let now = time.now
            return try await pipeline.call { (_) async throws(ProviderDown) in Deadline.current }.get()
                .map { now.duration(to: $0.instant) }
        }
        #expect(try await seen() == .seconds(2))
        let early = Deadline(after: .seconds(1), from: time.now)
        #expect(try await withDeadline(early) { try await seen() } == .seconds(1))
    }

    @Test("no attempt begins after the total timeout")
    func totalTimeout() async throws {
        let pipeline = try pipeline {
            $0.totalTimeout = .seconds(5)
            $0.retry = Self.twice
            $0.retry?.backoff = .exponential(base: .seconds(6), cap: .seconds(6), jitter: 0)
        }
        let flaky = Flaky(failures: 1)
        _ = await pipeline.call(flaky.call)
        #expect(flaky.attempts == 1)
        #expect(log.events == [.retryStopped(operation: "provider", attempt: 1, .deadlineTooNear)])
    }

    @Test("a variant has its own name and safety, and shares breaker, bulkhead and budget")
    func variant() async throws {
        let reads = try pipeline {
            $0.breaker = Self.opensAtOnce
            $0.bulkhead = Bulkhead.Configuration()
            $0.retry = Self.twice
        }
        let writes = try reads.variant("charge") {
            $0.safety = .unsafe
            $0.retry = nil
            $0.breaker = nil
        }
        let flaky = Flaky(failures: 1)
        _ = await writes.call(flaky.call)
        #expect(flaky.attempts == 1)
        #expect(reads.breaker === writes.breaker)
        #expect(reads.bulkhead === writes.bulkhead)
        #expect(reads.breaker?.state == .open)
        #expect(throws: PipelineConfigurationError.self) { try reads.variant("charge") { $0.safety = .unsafe } }
    }

    @Test("an adaptive limit refuses by priority, and learns what came of the call")
    func adaptiveLimit() async throws {
        let pipeline = try pipeline {
            var configuration = ConcurrencyLimitConfiguration()
            configuration.initialLimit = 1
            configuration.minimumLimit = 1
            $0.concurrencyLimit = configuration
            $0.breaker = CircuitBreakerConfiguration()
        }
        let inner = await pipeline.call(priority: .critical) { (_) async throws(ProviderDown) in
            await pipeline.call(priority: .background, Flaky(failures: 0).call)
        }
        #expect(throws: Rejection.limitReached(limiter: "provider", limit: 1, priority: .background)) {
            try inner.get().get()
        }
        #expect(pipeline.concurrencyLimit?.snapshot.inFlight == 0)
        #expect(pipeline.breaker?.snapshot.counts.total(.success) == 1)
        #expect(pipeline.breaker?.snapshot.counts.total(.rejected) == 0)
    }

    @Test("who waited for a place until the deadline is not begun, and the place comes back")
    func lateAfterWaiting() async throws {
        let pipeline = try pipeline {
            $0.rateLimit = RateLimit(permits: 1, per: .seconds(1))
            $0.maximumRateWait = .seconds(5)
            $0.bulkhead = Bulkhead.Configuration()
        }
        _ = await pipeline.call(Flaky(failures: 0).call)
        let flaky = Flaky(failures: 0)
        let deadline = Deadline(after: .seconds(1), from: time.now)
        async let late = withDeadline(deadline) { await pipeline.call(flaky.call) }
        // The permit comes at the very moment of the deadline.
        if let timer = try? await time.nextTimerScheduled() { time.advance(to: timer) }
        let result = await late
        #expect(throws: Rejection.self) { try result.get() }
        #expect(flaky.attempts == 0)
        #expect(pipeline.bulkhead?.snapshot.inUse == 0)
    }
}
