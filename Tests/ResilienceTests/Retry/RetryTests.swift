import Clocks
import Resilience
import Synchronization
import TestSupport
import Testing

struct RetryTests {
    private let time = TestTime()
    private let log = EventLog()

    private var retry: Retry {
        var policy = RetryPolicy()
        policy.backoff = .exponential(base: .seconds(1), factor: 2, cap: .seconds(10), jitter: 0)
        return Retry(
            operation: "charge", policy: policy, time: time, random: SeededRandom(seed: 1), observer: log.observer)
    }

    @Test("it tries again after the delay, and reports it")
    func triesAgain() async throws {
        async let value = retry.call { (attempt) async throws(ProviderDown) in
            if attempt < 3 { throw ProviderDown() }
            return attempt
        }
        for delay in [1, 2] {
            let deadline = try await time.nextTimerScheduled()
            #expect(time.now.duration(to: deadline) == .seconds(delay))
            time.advance(to: deadline)
        }
        #expect(try await value == 3)
        #expect(
            log.events == [
                .retryScheduled(operation: "charge", attempt: 2, delay: .seconds(1)),
                .retryScheduled(operation: "charge", attempt: 3, delay: .seconds(2)),
            ])
    }

    @Test("an accepted failure is the caller's at once")
    func accepted() async {
        let attempts = Lock(0)
        await #expect(throws: ProviderDown()) {
            try await retry.call(classify: { (_: Result<Int, ProviderDown>) in .accept }) {
                (_) async throws(ProviderDown) -> Int in
                attempts.withLock { $0 += 1 }
                throw ProviderDown()
            }
        }
        #expect(attempts.withLock { $0 } == 1)
        #expect(log.events.isEmpty)
    }

    @Test("a cancelled caller gets the last result instead of another attempt")
    func cancelled() async throws {
        let retry = retry
        let task = Task {
            await retry.call(classify: { (_: Result<Int, Never>) in .retry() }) { (_) async throws(Never) in 503 }
        }
        try await time.nextTimerScheduled()
        task.cancel()
        #expect(await task.value == 503)
        #expect(log.events.last == .retryStopped(operation: "charge", attempt: 1, .cancelled))
    }

    @Test("it never goes past the task's deadline")
    func deadline() async {
        await #expect(throws: ProviderDown()) {
            try await withDeadline(Deadline(after: .milliseconds(900), from: time.now)) {
                try await retry.call { (_) async throws(ProviderDown) -> Int in throw ProviderDown() }
            }
        }
        #expect(log.events == [.retryStopped(operation: "charge", attempt: 1, .deadlineTooNear)])
    }

    @Test("a delay that took longer than planned is not followed by an attempt past the deadline")
    func overslept() async throws {
        let (retry, time, log) = (retry, time, log)
        let task = Task {
            try await withDeadline(Deadline(after: .seconds(3), from: time.now)) {
                try await retry.call { (attempt) async throws -> Int in
                    guard attempt == 1 else { return attempt }
                    throw ProviderDown()
                }
            }
        }
        try await time.nextTimerScheduled()
        time.advance(by: .seconds(3))
        await #expect(throws: ProviderDown()) { try await task.value }
        #expect(log.events.last == .retryStopped(operation: "charge", attempt: 1, .deadlineTooNear))
    }

    @Test("a policy of n attempts makes n calls", arguments: 1...5)
    func calls(maximum: Int) async {
        var policy = RetryPolicy()
        policy.maximumAttempts = maximum
        policy.backoff = .exponential(base: .zero, cap: .zero)
        let retry = Retry(operation: "charge", policy: policy, time: time, random: SeededRandom(seed: 1))
        let attempts = Lock<[Int]>([])
        _ = await retry.call(classify: { (_: Result<Int, Never>) in .retry() }) { (attempt) async throws(Never) in
            attempts.withLock { $0.append(attempt) }
            return attempt
        }
        #expect(attempts.withLock { $0 } == Array(1...maximum))
    }

    @Test("refusals of other policies are not retried")
    func refusals() async {
        let rejection = Rejection.bulkheadFull(bulkhead: "b", limit: 1, queueLimit: 0)
        await #expect(throws: rejection) {
            try await retry.call { (_) async throws -> Int in throw rejection }
        }
        #expect(log.events.isEmpty)
    }
}
