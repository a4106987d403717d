import Clocks
import Resilience
import TestSupport
import Testing

struct BalancedPipelineTests {
    private struct Down: Error {}

    private let time = TestTime()
    private let log = EventLog()
    private let seen = Endpoints()

    /// The endpoints that were asked, in order.
    private final class Endpoints: Sendable {
        private let names = Lock<[String]>([])

        var all: [String] { names.withLock { $0 } }

        /// How many there are with this one.
        func add(_ name: String) -> Int {
            names.withLock { names in
                names.append(name)
                return names.count
            }
        }
    }

    private func pipeline(
        _ endpoints: [String], _ change: (inout PipelineConfiguration) -> Void = { _ in }
    ) throws -> BalancedPipeline<String> {
        var configuration = PipelineConfiguration(safety: .safe)
        configuration.breaker = CircuitBreakerConfiguration()
        configuration.retry = RetryPolicy()
        configuration.retry?.backoff = .exponential(base: .zero, cap: .zero, jitter: 0)
        configuration.balancing = LoadBalancerConfiguration()
        change(&configuration)
        return try BalancedPipeline(
            "stock", endpoints: endpoints, configuration, budget: RetryBudget(name: "stock", time: time), time: time,
            random: SeededRandom(seed: 3), observer: log.observer)
    }

    @Test("each attempt goes to another endpoint, and the breaker sees one call")
    func retries() async throws {
        let pipeline = try pipeline(["a", "b", "c"])
        let seen = seen
        let result = await pipeline.call { endpoint, attempt in
            _ = seen.add(endpoint)
            if attempt < 3 { throw Down() }
            return endpoint
        }
        #expect(try result.get() == seen.all.last)
        #expect(Set(seen.all) == ["a", "b", "c"])
        #expect(pipeline.pipeline.breaker?.snapshot.counts.total(.success) == 1)
        let failures = pipeline.balancer.snapshot.endpoints.map { $0.counts.failed }
        #expect(failures.reduce(0, +) == 2)
    }

    @Test(
        "an endpoint that fails is left out, by what all operations saw of it, while the dependency's breaker stays closed"
    )
    func ejection() async throws {
        let base = try pipeline(["good", "bad"])
        let reads = try base.variant("read-stock") { $0.retry?.maximumAttempts = 2 }
        for pipeline in [base, reads] {
            for _ in 0..<20 {
                // What is repeated is not this test's to bound.
                for _ in 0..<10 { base.pipeline.budget?.deposit() }
                let result = await pipeline.call { endpoint, _ in
                    if endpoint == "bad" { throw Down() }
                    return endpoint
                }
                #expect((try? result.get()) == "good")
            }
        }
        let isEjected = log.events.contains { event in
            if case .endpointEjected("stock", "bad", _, _) = event { true } else { false }
        }
        #expect(isEjected)
        #expect(reads.balancer === base.balancer)
        #expect(base.pipeline.breaker?.state == .closed)
    }

    @Test("a copy of a slow attempt goes to another endpoint")
    func hedging() async throws {
        let pipeline = try pipeline(["a", "b"]) { configuration in
            configuration.hedging = HedgeConfiguration()
            configuration.hedging?.minimumDelay = .milliseconds(100)
        }
        let (time, seen) = (time, seen)
        let call = Task {
            await pipeline.call { endpoint, _ in
                if seen.add(endpoint) == 1 { try await time.sleep(for: .seconds(60)) }
                return endpoint
            }
        }
        while seen.all.count < 2 {
            if let timer = time.earliestTimer, time.now.duration(to: timer) < .seconds(30) { time.advance(to: timer) }
            await Task.yield()
        }
        let answer = try await call.value.get()
        let both = seen.all
        #expect(Set(both) == ["a", "b"] && answer == both[1])
    }
}
