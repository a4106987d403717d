import Clocks
import Resilience
import Synchronization
import TestSupport
import Testing

struct RetryScheduleTests {
    private let random = SeededRandom(seed: 1)
    private let start = MonotonicInstant(nanoseconds: 0)

    private func policy(_ change: (inout RetryPolicy) -> Void = { _ in }) -> RetryPolicy {
        var policy = RetryPolicy()
        policy.backoff = .exponential(base: .seconds(1), factor: 2, cap: .seconds(10), jitter: 0)
        change(&policy)
        return policy
    }

    @Test("it counts attempts and stops after the last")
    func attempts() {
        var schedule = RetrySchedule(policy(), startedAt: start)
        #expect(schedule.next(now: start, random: random) == .retry(after: .seconds(1)))
        #expect(schedule.next(now: start, random: random) == .retry(after: .seconds(2)))
        #expect(schedule.attempt == 3)
        #expect(schedule.next(now: start, random: random) == .stop(.attemptsUsed))
    }

    @Test("no attempt begins at or after the deadline")
    func deadline() {
        let deadline = start.advanced(by: .seconds(1))
        var schedule = RetrySchedule(policy(), startedAt: start, deadline: deadline)
        #expect(schedule.next(now: start, random: random) == .stop(.deadlineTooNear))
        schedule = RetrySchedule(policy(), startedAt: start, deadline: deadline.advanced(by: .nanoseconds(1)))
        #expect(schedule.next(now: start, random: random) == .retry(after: .seconds(1)))
    }

    @Test("no attempt begins after the total time")
    func totalTime() {
        var schedule = RetrySchedule(policy { $0.totalTime = .seconds(2) }, startedAt: start)
        #expect(schedule.next(now: start, random: random) == .retry(after: .seconds(1)))
        let now = start.advanced(by: .seconds(1))
        #expect(schedule.next(now: now, random: random) == .stop(.totalTimeUsed))
    }

    @Test("a named time is kept, spread a little, and never shortened")
    func retryAfter() {
        for seed in 0..<200 {
            var schedule = RetrySchedule(policy(), startedAt: start)
            let decision = schedule.next(retryAfter: .seconds(20), now: start, random: SeededRandom(seed: UInt64(seed)))
            guard case .retry(let delay) = decision else { return #expect(Bool(false)) }
            #expect(delay >= .seconds(20) && delay <= .seconds(22))
        }
    }

    @Test("a named time shorter than the own delay does not hurry")
    func shortRetryAfter() {
        var schedule = RetrySchedule(policy(), startedAt: start)
        #expect(schedule.next(retryAfter: .zero, now: start, random: random) == .retry(after: .seconds(1)))
    }

    @Test("a server that wants to be left alone for too long is not asked again")
    func retryAfterTooLong() {
        var schedule = RetrySchedule(policy(), startedAt: start)
        let decision = schedule.next(retryAfter: .seconds(31), now: start, random: random)
        #expect(decision == .stop(.retryAfterTooLong))
    }
}

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
        let attempts = Mutex(0)
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

    @Test("refusals of other policies are not retried")
    func refusals() async {
        let rejection = Rejection.bulkheadFull(bulkhead: "b", limit: 1, queueLimit: 0)
        await #expect(throws: rejection) {
            try await retry.call { (_) async throws -> Int in throw rejection }
        }
        #expect(log.events.isEmpty)
    }
}
