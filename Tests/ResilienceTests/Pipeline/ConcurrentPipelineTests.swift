import Clocks
import Resilience
import TestSupport
import Testing

struct ConcurrentPipelineTests {
    private let time = TestTime()
    private let log = EventLog()

    private func pipeline(_ change: (inout PipelineConfiguration) -> Void) throws -> ConcurrentPipeline {
        var configuration = PipelineConfiguration(safety: .safe)
        change(&configuration)
        return try ConcurrentPipeline(
            "quote", configuration, budget: RetryBudget(name: "inventory", time: time), time: time,
            random: SeededRandom(seed: 1), observer: log.observer)
    }

    @Test("a call that knows nothing of deadlines is cancelled when its attempt's time is over")
    func cancels() async throws {
        let pipeline = try pipeline {
            $0.attemptTimeout = .seconds(2)
            $0.breaker = CircuitBreakerConfiguration()
        }
        let never = TestTime()
        async let result = pipeline.call { _ in try await never.sleep(for: .seconds(1)) }
        time.advance(to: try await time.nextTimerScheduled())
        let ended = await result
        #expect(throws: Rejection.timedOut(operation: "quote", limit: .seconds(2))) { try ended.get() }
        // The dependency was too slow, and the breaker knows.
        #expect(pipeline.pipeline.breaker?.snapshot.counts.total(.failure) == 1)
    }

    @Test("a slow call gets a copy, the first answer counts, and the breaker sees one call")
    func hedges() async throws {
        let pipeline = try pipeline {
            $0.hedging = HedgeConfiguration()
            $0.breaker = CircuitBreakerConfiguration()
        }
        let calls = Lock(0)
        let never = TestTime()
        async let result = pipeline.call { _ in
            let number = calls.withLock { calls in
                calls += 1
                return calls
            }
            if number == 1 { try await never.sleep(for: .seconds(1)) }
            return number
        }
        time.advance(to: try await time.nextTimerScheduled())
        #expect(try await result.get() == 2)
        #expect(log.events.last == .hedgeWon(operation: "quote", attempt: 2))
        #expect(pipeline.pipeline.breaker?.snapshot.counts.total(.success) == 1)
        #expect(pipeline.pipeline.breaker?.snapshot.counts.total(.neutral) == 0)
    }

    @Test("cancelling the caller ends the call, and says nothing to the breaker")
    func callerCancels() async throws {
        let pipeline = try pipeline {
            $0.attemptTimeout = .seconds(2)
            $0.breaker = CircuitBreakerConfiguration()
            $0.retry = RetryPolicy()
        }
        let never = TestTime()
        let task = Task { await pipeline.call { _ in try await never.sleep(for: .seconds(1)) } }
        try await never.nextTimerScheduled()
        task.cancel()
        let result = await task.value
        #expect(throws: CancellationError.self) { try result.get() }
        #expect(pipeline.pipeline.breaker?.snapshot.counts.total(.neutral) == 1)
        #expect(pipeline.pipeline.breaker?.snapshot.counts.total(.failure) == 0)
    }
}
