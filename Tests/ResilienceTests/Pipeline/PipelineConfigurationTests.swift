import Clocks
import Resilience
import TestSupport
import Testing

/// What contradicts itself does not start, and all that is wrong is said at once.
struct PipelineConfigurationTests {
    struct Contradiction: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fault: String
        let make: @Sendable (inout PipelineConfiguration) -> Void

        init(_ name: String, _ fault: String, _ make: @escaping @Sendable (inout PipelineConfiguration) -> Void) {
            testDescription = name
            self.fault = fault
            self.make = make
        }
    }

    static let contradictions: [Contradiction] = [
        Contradiction("attempt longer than all", "the attempt timeout (2.0 seconds) is longer than the total timeout") {
            $0.totalTimeout = .seconds(1)
            $0.attemptTimeout = .seconds(2)
        },
        Contradiction("unsafe and retried", "an unsafe operation may be retried only after attempts without effect") {
            $0.safety = .unsafe
            $0.retry = RetryPolicy()
        },
        Contradiction("unsafe and hedged", "an operation that is unsafe must not be hedged") {
            $0.safety = .unsafe
            $0.hedging = HedgeConfiguration()
        },
        Contradiction("idempotent and hedged", "an operation that is idempotent must not be hedged") {
            $0.safety = .idempotent
            $0.hedging = HedgeConfiguration()
        },
        Contradiction("hedge later than the attempt", "a hedge is never started") {
            $0.attemptTimeout = .milliseconds(1)
            $0.hedging = HedgeConfiguration()
        },
        Contradiction("waits out its time for a place", "the wait for the bulkhead (1.0 seconds) leaves no time") {
            $0.totalTimeout = .seconds(1)
            $0.bulkhead = Bulkhead.Configuration()
            $0.bulkhead?.queueLimit = 1
        },
        Contradiction("waits out its time for the rate", "the wait for the rate limit (1.0 seconds) leaves no time") {
            $0.totalTimeout = .seconds(1)
            $0.rateLimit = RateLimit(permits: 1, per: .seconds(1))
            $0.maximumRateWait = .seconds(1)
        },
        Contradiction("a wait for nothing", "a wait for the rate limit needs a rate limit") {
            $0.maximumRateWait = .seconds(1)
        },
        Contradiction("retries too long", "the retry's total time (9.0 seconds) is longer than the total timeout") {
            $0.totalTimeout = .seconds(1)
            $0.retry = RetryPolicy()
            $0.retry?.totalTime = .seconds(9)
        },
        Contradiction("nothing is ever slow", "no call is ever slow") {
            $0.totalTimeout = .seconds(1)
            $0.breaker = CircuitBreakerConfiguration()
            $0.breaker?.slowCallRate = 0.5
        },
        Contradiction("no attempt is ever slow", "no call is ever slow") {
            $0.totalTimeout = .seconds(60)
            $0.attemptTimeout = .seconds(1)
            $0.breakerScope = .attempt
            $0.breaker = CircuitBreakerConfiguration()
            $0.breaker?.slowCallRate = 0.5
        },
        Contradiction(
            "bounded twice", "calls under way are bounded by a bulkhead or by a concurrency limit, not by both"
        ) {
            $0.bulkhead = Bulkhead.Configuration()
            $0.concurrencyLimit = ConcurrencyLimitConfiguration()
        },
        Contradiction("keeps what an unsafe call brought", "values are kept only of an operation that is safe") {
            $0.safety = .keyed
            $0.fallback = .staleCache(StaleCacheConfiguration())
        },
        Contradiction("fetches shorter than calls", "the cache's fetch timeout (2.0 seconds) ends calls before") {
            $0.totalTimeout = .seconds(3)
            var ages = StaleCacheConfiguration()
            (ages.staleAge, ages.errorAge, ages.fetchTimeout) = (.seconds(5), .seconds(5), .seconds(2))
            $0.fallback = .staleCache(ages)
        },
        Contradiction(
            "one breaker for attempts at many", "one breaker that judges attempts would cut off all endpoints"
        ) {
            $0.breaker = CircuitBreakerConfiguration()
            $0.breakerScope = .attempt
            $0.balancing = LoadBalancerConfiguration()
        },
        Contradiction("a balancer's own fault", "load balancer: ") {
            $0.balancing = LoadBalancerConfiguration()
            $0.balancing?.ejectionTime = .exponential(base: .zero, factor: 0, cap: .zero, jitter: 9)
        },
        Contradiction("no time at all", "the total timeout must be positive") { $0.totalTimeout = .zero },
        Contradiction("a policy's own fault", "bulkhead: the limit must be at least 1") {
            $0.bulkhead = Bulkhead.Configuration()
            $0.bulkhead?.limit = 0
        },
    ]

    @Test("a contradiction is refused at the start, and named", arguments: contradictions)
    func refused(_ contradiction: Contradiction) {
        var configuration = PipelineConfiguration(safety: .safe)
        contradiction.make(&configuration)
        #expect(
            configuration.faults.contains { $0.hasPrefix(contradiction.fault) },
            "found only \(configuration.faults)")
        #expect(throws: PipelineConfigurationError.self) {
            try ConcurrentPipeline(
                "provider", configuration, budget: RetryBudget(name: "provider", time: TestTime()), time: TestTime(),
                random: SeededRandom(seed: 1))
        }
        #expect(throws: PipelineConfigurationError.self) {
            try Pipeline("provider", configuration, time: TestTime(), random: SeededRandom(seed: 1))
        }
    }

    @Test("all faults are listed together, under the pipeline's name")
    func all() {
        var configuration = PipelineConfiguration(safety: .unsafe)
        configuration.retry = RetryPolicy()
        configuration.totalTimeout = .seconds(1)
        configuration.attemptTimeout = .seconds(2)
        let error = #expect(throws: PipelineConfigurationError.self) {
            try Pipeline("provider", configuration, time: TestTime(), random: SeededRandom(seed: 1))
        }
        #expect(error?.faults.count == 2)
        #expect(error?.description.hasPrefix("pipeline provider is not configured soundly: ") == true)
    }

    @Test("what a type cannot do it refuses at the start, and names the type that can")
    func elsewhere() {
        let (time, random) = (TestTime(), SeededRandom(seed: 1))
        func faults(_ change: (inout PipelineConfiguration) -> Void, _ make: (PipelineConfiguration) throws -> Void)
            -> [String]
        {
            var configuration = PipelineConfiguration(safety: .safe)
            change(&configuration)
            let error = #expect(throws: PipelineConfigurationError.self) { try make(configuration) }
            return error?.faults ?? []
        }
        func plain(_ configuration: PipelineConfiguration) throws {
            _ = try Pipeline("p", configuration, time: time, random: random)
        }
        func concurrent(_ configuration: PipelineConfiguration) throws {
            _ = try ConcurrentPipeline("p", configuration, time: time, random: random)
        }
        func balanced(_ configuration: PipelineConfiguration) throws {
            _ = try BalancedPipeline("p", endpoints: ["a"], configuration, time: time, random: random)
        }
        func answering(_ configuration: PipelineConfiguration) throws {
            _ = try FallbackPipeline("p", configuration, time: time, random: random)
        }
        func cached(_ configuration: PipelineConfiguration) throws {
            _ = try CachedPipeline<Int, Int>("p", configuration, time: time, random: random) { _ in [:] }
        }
        for make in [plain, concurrent, answering, cached] {
            #expect(
                faults({ $0.balancing = LoadBalancerConfiguration() }, make).contains {
                    $0.contains("a BalancedPipeline")
                })
        }
        for make in [plain, concurrent, balanced] {
            #expect(faults({ $0.fallback = .otherAnswer }, make).contains { $0.contains("a FallbackPipeline") })
            let ages = StaleCacheConfiguration()
            #expect(faults({ $0.fallback = .staleCache(ages) }, make).contains { $0.contains("a CachedPipeline") })
        }
        // And what a type is for must be wanted of it.
        for make in [balanced, answering, cached] { #expect(faults({ _ in }, make).count == 1) }
        let none = faults({ $0.balancing = LoadBalancerConfiguration() }) { configuration in
            _ = try BalancedPipeline("p", endpoints: [String](), configuration, time: time, random: random)
        }
        #expect(none == ["there is no endpoint to call"])
    }

    @Test("hedging needs tasks and a budget")
    func hedging() {
        var configuration = PipelineConfiguration(safety: .safe)
        configuration.hedging = HedgeConfiguration()
        let (time, random) = (TestTime(), SeededRandom(seed: 1))
        #expect(throws: PipelineConfigurationError.self) {
            try Pipeline("p", configuration, budget: RetryBudget(name: "p", time: time), time: time, random: random)
        }
        #expect(throws: PipelineConfigurationError.self) {
            try ConcurrentPipeline("p", configuration, time: time, random: random)
        }
        #expect(throws: Never.self) {
            try ConcurrentPipeline(
                "p", configuration, budget: RetryBudget(name: "p", time: time), time: time, random: random)
        }
    }
}
