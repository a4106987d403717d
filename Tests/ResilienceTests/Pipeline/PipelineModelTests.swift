import Clocks
import Resilience
import TestSupport
import Testing

/// Any configuration and any outcomes, against a pipeline that is told them beforehand.
struct PipelineModelTests {
    /// Whoever sleeps is alone: time jumps to where the sleep ends.
    private final class JumpingTime: TimeSource {
        let time = TestTime()
        var now: MonotonicInstant { time.now }
        var wallNow: Timestamp { time.wallNow }
        func sleep(until deadline: MonotonicInstant) async throws { time.advance(to: deadline) }
    }

    /// Adds nothing to what servers ask for.
    private struct Zero: RandomSource {
        func next() -> UInt64 { 0 }
    }

    private struct Thrown: Error {
        let attempt: CallScript.Attempt
    }

    private static func drawConfiguration(_ random: SeededRandom, _ pick: (Int) -> Int) -> PipelineConfiguration {
        let safety = CallSafety.allCases[pick(CallSafety.allCases.count)]
        var configuration = PipelineConfiguration(safety: safety)
        configuration.totalTimeout = [nil, .seconds(2), .seconds(5)][pick(3)]
        configuration.attemptTimeout = [nil, .seconds(1), .seconds(2)][pick(3)]
        configuration.retriesOnlyWithoutEffect = safety == .unsafe || pick(4) == 0
        if pick(4) > 0 {
            var policy = RetryPolicy()
            policy.maximumAttempts = 1 + pick(4)
            policy.backoff = .exponential(
                base: .milliseconds(100), factor: 2, cap: .milliseconds(400), jitter: 0)
            policy.totalTime = [nil, .seconds(2)][pick(2)]
            policy.maximumRetryAfter = .seconds(1)
            configuration.retry = policy
        }
        if pick(3) > 0 {
            configuration.breaker = .drawn(random)
            configuration.breakerScope = PipelineConfiguration.BreakerScope.allCases[pick(2)]
        }
        if pick(2) == 0 {
            configuration.bulkhead = Bulkhead.Configuration()
            configuration.bulkhead?.limit = 1 + pick(2)
        }
        if pick(3) == 0 { configuration.rateLimit = RateLimit(permits: 1, per: .milliseconds(500), burst: 1 + pick(4)) }
        return configuration
    }

    private static let reports: [CallReport] = [
        .success, .success, .success, .success,
        CallReport(.failure, retry: .retry()), CallReport(.failure, retry: .retry()),
        CallReport(.failure, retry: .retry(), hadNoEffect: true),
        CallReport(.failure, retry: .retry(after: .milliseconds(700)), hadNoEffect: true),
        CallReport(.failure, retry: .retry(after: .milliseconds(1001))),
        CallReport(.failure, retry: .giveUp), CallReport(.neutral, retry: .giveUp),
        CallReport(.neutral, retry: .accept),
    ]

    /// Attempts take at least a nanosecond, so that no two calls begin at the same moment.
    private static func drawScript(depth: Int, _ pick: (Int) -> Int) -> CallScript {
        CallScript(
            (0..<4).map { number in
                CallScript.Attempt(
                    number: depth * 10 + number + 1,
                    lasting: .nanoseconds(1) + [.zero, .milliseconds(30), .milliseconds(400), .seconds(1)][pick(4)],
                    inner: depth < 2 && pick(4) == 0 ? drawScript(depth: depth + 1, pick) : nil,
                    report: reports[pick(reports.count)], throwsIt: pick(2) == 0)
            })
    }

    private struct World {
        let pipeline: Pipeline
        let time: JumpingTime
        let made = Box()

        final class Box: Sendable {
            private let stored = Lock<[MadeAttempt]>([])
            var all: [MadeAttempt] { stored.withLock { $0 } }
            func append(_ attempt: MadeAttempt) { stored.withLock { $0.append(attempt) } }
        }

        func call(_ script: CallScript) async -> CallEnd {
            let result = await pipeline.call(
                report: { (result: Result<CallScript.Attempt, Thrown>) in
                    switch result {
                    case .success(let attempt): attempt.report
                    case .failure(let thrown): thrown.attempt.report
                    }
                },
                { (number) async throws(Thrown) -> CallScript.Attempt in
                    let attempt = script.attempts[number - 1]
                    made.append(MadeAttempt(number: attempt.number, deadline: Deadline.current?.instant))
                    try? await time.sleep(for: attempt.lasting)
                    if let inner = attempt.inner { _ = await call(inner) }
                    if attempt.throwsIt { throw Thrown(attempt: attempt) }
                    return attempt
                })
            switch result {
            case .success(let attempt): return .returned(attempt.number)
            case .failure(let thrown): return .threw(thrown.attempt.number)
            case .rejected(.deadlineExceeded): return .late
            case .rejected(.rateLimited): return .rateLimited
            case .rejected(.bulkheadFull): return .noPlace
            case .rejected(.circuitOpen): return .broken
            case .rejected: return .other
            }
        }
    }

    @Test(
        "it agrees with a pipeline that follows the order of the policies step by step", arguments: replayable(0..<150))
    func model(seed: UInt64) async throws {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let configuration = Self.drawConfiguration(random, pick)
        let time = JumpingTime()
        var earning: RetryBudgetConfiguration?
        if pick(3) > 0 {
            var drawn = RetryBudgetConfiguration()
            drawn.share = [0.25, 0.5, 1][pick(3)]
            drawn.floorPerSecond = 0
            drawn.maximumBalance = 1 + pick(3)
            drawn.lifetime = .seconds(3600)
            earning = drawn
        }
        let budget = earning.map { RetryBudget(name: "provider", configuration: $0, time: time) }
        let world = World(
            pipeline: try Pipeline("provider", configuration, budget: budget, time: time, random: Zero()), time: time)
        var naive = NaivePipeline(configuration, budget: earning, now: time.now)
        for number in 0..<40 {
            let script = Self.drawScript(depth: 0, pick)
            let deadline: Duration? = [nil, nil, .zero, .milliseconds(600)][pick(4)]
            let ends = [deadline].compactMap { $0 }.map { time.now.advanced(by: $0) }
            let end =
                if let instant = ends.first {
                    await withDeadline(Deadline(at: instant)) { await world.call(script) }
                } else {
                    await world.call(script)
                }
            let expected = naive.call(script, deadline: ends.first)
            #expect(end == expected, "seed \(seed), call \(number)")
            #expect(world.made.all == naive.made, "seed \(seed), call \(number)")
            #expect(time.now == naive.now, "seed \(seed), call \(number)")
            #expect(world.pipeline.bulkhead?.snapshot.inUse ?? 0 == 0, "seed \(seed), call \(number)")
            #expect(world.pipeline.breaker?.state == naive.breaker?.state, "seed \(seed), call \(number)")
            #expect(budget?.balance ?? 0 == naive.balance, "seed \(seed), call \(number)")
            guard end == expected, time.now == naive.now else { return }
            let pause = Duration.nanoseconds(1) + [.zero, .milliseconds(300), .seconds(3), .seconds(9)][pick(4)]
            time.time.advance(by: pause)
            naive.now = time.now
        }
        #expect(naive.inUse == 0)
        if let counts = world.pipeline.breaker?.snapshot.counts {
            #expect(counts.total(.success) == naive.outcomes[.success, default: 0], "seed \(seed)")
            #expect(counts.total(.failure) == naive.outcomes[.failure, default: 0], "seed \(seed)")
            #expect(counts.total(.neutral) == naive.outcomes[.neutral, default: 0], "seed \(seed)")
            #expect(counts.total(.rejected) == naive.refusals, "seed \(seed)")
            #expect(counts.total(.late) == naive.lateResults, "seed \(seed)")
        }
        if let snapshot = budget?.snapshot {
            #expect(snapshot.withdrawn == naive.withdrawn && snapshot.refused == naive.unpaid, "seed \(seed)")
        }
    }
}
