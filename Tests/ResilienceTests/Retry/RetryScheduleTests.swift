import Clocks
import Resilience
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

    @Test("attempts are counted with the first: n attempts are n − 1 retries", arguments: 1...6)
    func attemptsAndRetries(maximum: Int) {
        var schedule = RetrySchedule(policy { $0.maximumAttempts = maximum }, startedAt: start)
        var retries = 0
        while case .retry = schedule.next(now: start, random: random) {
            retries += 1
            #expect(schedule.attempt == retries + 1)
        }
        #expect(retries == maximum - 1)
        #expect(schedule.attempt == maximum)
        #expect(schedule.next(now: start, random: random) == .stop(.attemptsUsed))
        #expect(schedule.attempt == maximum)
    }

    @Test("an attempt may begin until the deadline, not at it")
    func mayBegin() {
        let schedule = RetrySchedule(policy(), startedAt: start, deadline: start.advanced(by: .seconds(2)))
        #expect(schedule.mayBegin(now: start.advanced(by: .seconds(2) - .nanoseconds(1))))
        #expect(!schedule.mayBegin(now: start.advanced(by: .seconds(2))))
    }

    @Test("whatever the numbers, every promise of the policy holds", arguments: replayable(0..<300))
    func properties(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        func milliseconds(_ limit: Int) -> Duration { .milliseconds(1 + pick(limit)) }
        var policy = RetryPolicy()
        policy.maximumAttempts = 1 + pick(8)
        let (base, cap) = (milliseconds(500), .milliseconds(500) + milliseconds(3000))
        let jitter = [0, 0.5, 1][pick(3)]
        policy.backoff =
            pick(2) == 0
            ? .decorrelated(base: base, cap: cap)
            : .exponential(base: base, factor: Double(1 + pick(3)), cap: cap, jitter: jitter)
        policy.totalTime = pick(2) == 0 ? nil : milliseconds(8000)
        policy.maximumRetryAfter = milliseconds(5000)
        let deadline = pick(2) == 0 ? nil : start.advanced(by: milliseconds(8000))
        var schedule = RetrySchedule(policy, startedAt: start, deadline: deadline)
        var (now, attempts) = (start, 1)
        while true {
            now = now.advanced(by: milliseconds(400))
            let asked: Duration? = pick(3) == 0 ? milliseconds(6000) : nil
            guard case .retry(let delay) = schedule.next(retryAfter: asked, now: now, random: random) else { break }
            attempts += 1
            #expect(schedule.attempt == attempts && attempts <= policy.maximumAttempts, "seed \(seed)")
            #expect(delay >= .zero && delay <= max(cap, (asked ?? .zero) * 11 / 10), "seed \(seed)")
            if let asked { #expect(delay >= asked && asked <= policy.maximumRetryAfter, "seed \(seed)") }
            now = now.advanced(by: delay)
            if let deadline { #expect(now < deadline && schedule.mayBegin(now: now), "seed \(seed)") }
            if let totalTime = policy.totalTime { #expect(start.duration(to: now) <= totalTime, "seed \(seed)") }
        }
    }
}
