import Clocks
import Resilience
import TestSupport
import Testing

struct FallbackPipelineTests {
    private struct Down: Error {}

    private let time = TestTime()
    private let log = EventLog()

    private func answering(_ change: (inout PipelineConfiguration) -> Void = { _ in }) throws -> FallbackPipeline {
        var configuration = PipelineConfiguration(safety: .safe)
        configuration.fallback = .otherAnswer
        change(&configuration)
        return try FallbackPipeline(
            "prices", configuration, time: time, random: SeededRandom(seed: 1), observer: log.observer)
    }

    @Test("the other answer stands for a call that failed and says so; a good call is its own answer")
    func failure() async throws {
        let pipeline = try answering()
        let good = await pipeline.call { (_) async throws(Down) in
            7
        } instead: { _ in
            0
        }
        #expect(try good.get().value == 7)
        #expect(try good.get().isDegraded == false)
        let bad = await pipeline.call { (_) async throws(Down) -> Int in
            throw Down()
        } instead: { _ in
            0
        }
        #expect(try bad.get().value == 0)
        #expect(try bad.get().isDegraded)
        #expect(log.events == [.fallbackUsed(operation: "prices", reason: "Down()")])
    }

    @Test("it stands around all other policies: it answers for their refusals too")
    func refusal() async throws {
        let pipeline = try answering {
            $0.breaker = CircuitBreakerConfiguration()
            $0.totalTimeout = .seconds(3)
        }
        pipeline.pipeline.breaker?.forceOpen()
        let answer = await pipeline.call { (_) async throws(Down) in
            7
        } instead: { reason in
            guard case .rejected(.circuitOpen) = reason else { return nil }
            return 0
        }
        #expect(try answer.get().value == 0)
    }

    @Test("it stands inside of the caller's deadline: once that has passed nobody is given another answer")
    func deadline() async throws {
        let pipeline = try answering()
        let deadline = Deadline(after: .seconds(1), from: time.now)
        time.advance(by: .seconds(1))
        let answer = await Deadline.$current.withValue(deadline) {
            await pipeline.call { (_) async throws(Down) in
                7
            } instead: { _ in
                Issue.record("asked for nobody")
                return 0
            }
        }
        guard case .rejected(.deadlineExceeded(operation: "prices")) = answer else {
            Issue.record("\(answer)")
            return
        }
    }

    @Test("values from memory stand for a fetch that any policy refuses, and a fetch is one call under all of them")
    func staleCache() async throws {
        var ages = StaleCacheConfiguration()
        (ages.freshAge, ages.staleAge, ages.errorAge) = (.seconds(1), .seconds(2), .seconds(60))
        ages.fetchTimeout = .seconds(1)
        var configuration = PipelineConfiguration(safety: .safe)
        configuration.fallback = .staleCache(ages)
        configuration.breaker = CircuitBreakerConfiguration()
        let pipeline = try CachedPipeline<String, Int>(
            "prices", configuration, time: time, random: SeededRandom(seed: 1), observer: log.observer
        ) { keys in Dictionary(uniqueKeysWithValues: keys.map { ($0, 1) }) }
        let breaker = try #require(pipeline.pipeline.pipeline.breaker)
        #expect(try await pipeline.values(for: ["lamp"])["lamp"]?.freshness == .fresh)
        #expect(try await pipeline.values(for: ["lamp"])["lamp"]?.value == 1)
        #expect(breaker.snapshot.counts.total(.success) == 1)

        breaker.forceOpen()
        time.advance(by: .seconds(3))
        let stale = try await pipeline.values(for: ["lamp"])["lamp"]
        #expect(stale?.value == 1 && stale?.freshness == .stale(.fetchFailed))
        await #expect(throws: Rejection.self) { try await pipeline.values(for: ["chair"]) }
        let used = log.events.contains { if case .fallbackUsed = $0 { true } else { false } }
        #expect(used)
    }
}
