import Clocks
import Resilience
import TestSupport
import Testing

/// Retries that are paid for.
struct RetryBudgetedTests {
    private let time = TestTime()
    private let log = EventLog()

    private func budget(share: Double = 0.5, floor: Double = 0) -> RetryBudget {
        var configuration = RetryBudgetConfiguration()
        configuration.share = share
        configuration.floorPerSecond = floor
        configuration.lifetime = .seconds(100)
        return RetryBudget(name: "payment", configuration: configuration, time: time)
    }

    private func retry(_ budget: RetryBudget, attempts: Int = 3, delay: Duration = .zero) -> Retry {
        var policy = RetryPolicy()
        policy.maximumAttempts = attempts
        policy.backoff = .exponential(base: delay, factor: 1, cap: delay, jitter: 0)
        return Retry(
            operation: "charge", policy: policy, budget: budget, time: time, random: SeededRandom(seed: 1),
            observer: log.observer)
    }

    private func ends(_ retry: Retry, _ outcomes: [Bool]) async {
        _ = await Result { () async throws(ProviderDown) in
            try await retry.call { (attempt) async throws(ProviderDown) in
                if !outcomes[attempt - 1] { throw ProviderDown() }
            }
        }
    }

    @Test("with nothing in the budget the first failure is the caller's, and says why")
    func empty() async {
        await #expect(throws: ProviderDown()) {
            try await retry(budget()).call { (_) async throws(ProviderDown) in throw ProviderDown() }
        }
        #expect(log.events == [.retryStopped(operation: "charge", attempt: 1, .budgetEmpty)])
    }

    @Test("a call earns once when it ends well, at whichever attempt, and nothing when it fails")
    func earning() async {
        let budget = budget(share: 0.5, floor: 100)
        let retry = retry(budget)
        await ends(retry, [true])
        #expect(budget.balance == 100.5)
        await ends(retry, [false, false, true])
        #expect(budget.balance == 99)
        await ends(retry, [false, false, false])
        #expect(budget.balance == 97)
    }

    @Test("an accepted answer earns, one that is given up does not")
    func verdicts() async {
        let budget = budget()
        _ = await retry(budget).call(classify: { (_: Result<Int, Never>) in .accept }) { (_) async in 200 }
        _ = await retry(budget).call(classify: { (_: Result<Int, Never>) in .giveUp }) { (_) async in 501 }
        #expect(budget.balance == 0.5)
        #expect(log.events.isEmpty)
    }

    @Test("cancellation and refusals of other policies earn nothing")
    func neutral() async {
        let budget = budget()
        let refusal = Rejection.bulkheadFull(bulkhead: "b", limit: 1, queueLimit: 0)
        await #expect(throws: refusal) { try await retry(budget).call { (_) async throws -> Int in throw refusal } }
        await #expect(throws: CancellationError.self) {
            try await retry(budget).call { (_) async throws -> Int in throw CancellationError() }
        }
        #expect(budget.balance == 0)
    }

    @Test("a retry is paid for before its delay begins, so that no more wait than may be made")
    func beforeTheDelay() async throws {
        let budget = budget(floor: 3)
        let retry = retry(budget, attempts: 2, delay: .seconds(10))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { await ends(retry, [false, true]) } }
            // Those who could not pay are gone at once; no time has passed.
            for _ in 0..<17 { try await group.next() }
            for _ in 0..<3 { try await time.nextTimerScheduled() }
            #expect(time.sleeperCount == 3)
            #expect(budget.snapshot.withdrawn == 3)
            #expect(budget.snapshot.refused == 17)
            time.advance(by: .seconds(10))
        }
        #expect(budget.snapshot.withdrawn == 3)
    }

    @Test("nothing is paid for an attempt that something else forbids")
    func nothingForNothing() async {
        let budget = budget(floor: 5)
        await ends(retry(budget, attempts: 1), [false])
        await withDeadline(Deadline(after: .seconds(1), from: time.now)) {
            await ends(retry(budget, delay: .seconds(1)), [false])
        }
        #expect(budget.snapshot.withdrawn == 0 && budget.snapshot.refused == 0)
    }

    @Test("however many calls fail, what reaches the dependency stays within the budget", arguments: replayable(0..<20))
    func amplification(seed: UInt64) async {
        let random = SeededRandom(seed: seed)
        let budget = budget(share: 0.2, floor: 5)
        let retry = retry(budget, attempts: 4)
        let reached = Lock(0)
        let failing = [0, 0.1, 0.5, 0.9, 1][Int(seed % 5)]
        let begin = time.now
        var good = 0
        for _ in 0..<2000 {
            time.advance(by: .milliseconds(10))
            let result = await Result { () async throws(ProviderDown) in
                try await retry.call { (_) async throws(ProviderDown) in
                    reached.withLock { $0 += 1 }
                    if random.nextUnit() < failing { throw ProviderDown() }
                }
            }
            if case .success = result { good += 1 }
        }
        let further = reached.withLock { $0 } - 2000
        let seconds = begin.duration(to: time.now).inSeconds
        #expect(Double(further) <= 0.2 * Double(good) + 5 * seconds + 5, "seed \(seed)")
        #expect(further == Int(budget.snapshot.withdrawn), "seed \(seed)")
        // Down altogether, the floor is all there is.
        if failing == 1 { #expect(further <= 105, "seed \(seed)") }
        // As long as it mends more than it costs, every failure is mended that four attempts can mend.
        if failing <= 0.1 { #expect(good >= 1998, "seed \(seed)") }
    }
}

extension Result where Success: Sendable {
    fileprivate init(_ body: () async throws(Failure) -> Success) async {
        do throws(Failure) { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
