import Clocks
import Resilience
import TestSupport
import Testing

struct RateLimiterTests {
    private let time = TestTime()
    private let log = EventLog()

    private func limiter(_ permits: Int, burst: Int, wait: Duration = .zero) -> RateLimiter {
        RateLimiter(
            name: "orders", limit: RateLimit(permits: permits, per: .seconds(1), burst: burst), maximumWait: wait,
            time: time, observer: log.observer)
    }

    private func rejection(of limiter: RateLimiter, cost: Int = 1) async -> Rejection? {
        await limiter.acquire(cost: cost)
    }

    @Test("a burst passes at once, then permits come back one by one, each exactly at its time")
    func burst() {
        let limiter = limiter(10, burst: 3)
        for remaining in [2, 1, 0] {
            guard case .allowed(let quota) = limiter.tryAcquire() else { return #expect(Bool(false)) }
            #expect(quota.remaining == remaining)
        }
        for _ in 0..<3 {
            guard case .rejected(let quota, let retryAfter) = limiter.tryAcquire() else {
                return #expect(Bool(false))
            }
            #expect(quota.remaining == 0)
            #expect(retryAfter == .milliseconds(100))
            time.advance(by: .nanoseconds(99_999_999))
            #expect(!limiter.tryAcquire().isAllowed)
            time.advance(by: .nanoseconds(1))
            #expect(limiter.tryAcquire().isAllowed)
        }
    }

    @Test("a refusal takes nothing, is counted and reported")
    func refusal() {
        let limiter = limiter(1, burst: 1)
        #expect(limiter.tryAcquire().isAllowed)
        for _ in 0..<5 { #expect(!limiter.tryAcquire().isAllowed) }
        #expect(limiter.rejected == 5)
        let event = ResilienceEvent.rejected(.rateLimited(limiter: "orders", retryAfter: .seconds(1)))
        #expect(log.events == [ResilienceEvent](repeating: event, count: 5))
        time.advance(by: .seconds(1))
        #expect(limiter.tryAcquire().isAllowed)
    }

    @Test("a long pause earns one burst and no more")
    func pause() {
        let limiter = limiter(10, burst: 4)
        time.advance(by: .seconds(1_000_000))
        var granted = 0
        while limiter.tryAcquire().isAllowed { granted += 1 }
        #expect(granted == 4)
    }

    @Test("what costs more than the burst is granted from a full bucket, and empties it")
    func overpriced() {
        let limiter = limiter(10, burst: 4)
        guard case .allowed(let quota) = limiter.tryAcquire(cost: 100) else { return #expect(Bool(false)) }
        #expect(quota.remaining == 0)
        guard case .rejected(_, let retryAfter) = limiter.tryAcquire(cost: 100) else { return #expect(Bool(false)) }
        #expect(retryAfter == .milliseconds(400))
        time.advance(by: retryAfter)
        #expect(limiter.tryAcquire(cost: 100).isAllowed)
    }

    @Test("the figures for the RateLimit fields: quota and window, remaining, reset and Retry-After in whole seconds")
    func headers() {
        let minute = RateLimit(permits: 100, per: .seconds(60))
        #expect(minute.quota == 100 && minute.windowSeconds == 60)
        let bursty = RateLimit(permits: 3, per: .seconds(1), burst: 10)
        #expect(bursty.quota == 10 && bursty.windowSeconds == 4)
        #expect(RateLimit(permits: 1000, per: .seconds(1), burst: 1).windowSeconds == 1)

        let limiter = RateLimiter(
            name: "orders", limit: RateLimit(permits: 1, per: .seconds(10), burst: 2), time: time)
        #expect(limiter.quota.resetSeconds == 0)
        let first = limiter.tryAcquire()
        #expect(first.quota.remaining == 1 && first.quota.resetSeconds == 10)
        #expect(first.retryAfterSeconds == nil)
        _ = limiter.tryAcquire()
        time.advance(by: .milliseconds(500))
        let refused = limiter.tryAcquire(cost: 2)
        #expect(refused.quota.remaining == 0 && refused.quota.resetSeconds == 10)
        #expect(refused.retryAfterSeconds == 20)
        #expect(refused.quota.fullIn == .milliseconds(19_500))
    }

    @Test("who may wait is promised a permit in order of asking, and gets it at its time")
    func waiting() async throws {
        let limiter = limiter(10, burst: 1, wait: .milliseconds(250))
        #expect(limiter.tryAcquire().isAllowed)
        let start = time.now
        async let first = rejection(of: limiter)
        #expect(start.duration(to: try await time.nextTimerScheduled()) == .milliseconds(100))
        async let second = rejection(of: limiter)
        #expect(start.duration(to: try await time.nextTimerScheduled()) == .milliseconds(200))
        // Not within the longest wait, so refused at once.
        let tooLate = Rejection.rateLimited(limiter: "orders", retryAfter: .milliseconds(300))
        #expect(await rejection(of: limiter) == tooLate)
        // Nobody overtakes those who wait.
        time.advance(by: .milliseconds(100))
        #expect(await first == nil)
        #expect(!limiter.tryAcquire().isAllowed)
        time.advance(by: .milliseconds(100))
        #expect(await second == nil)
        time.advance(by: .milliseconds(99))
        #expect(!limiter.tryAcquire().isAllowed)
        time.advance(by: .milliseconds(1))
        #expect(limiter.tryAcquire().isAllowed)
    }

    @Test("a wait that the deadline would cut off is not begun")
    func deadline() async {
        let limiter = limiter(10, burst: 1, wait: .seconds(60))
        #expect(limiter.tryAcquire().isAllowed)
        let now = time.now
        let short = await withDeadline(Deadline(after: .milliseconds(99), from: now)) { await rejection(of: limiter) }
        #expect(short == .rateLimited(limiter: "orders", retryAfter: .milliseconds(100)))
        let passed = await withDeadline(Deadline(at: now)) { await rejection(of: limiter) }
        #expect(passed == .deadlineExceeded(operation: "orders"))
        #expect(time.sleeperCount == 0)
        #expect(limiter.rejected == 2)
    }

    @Test("one who is cancelled gives the promised permit back if nobody was promised a later one")
    func cancelledLast() async throws {
        let limiter = limiter(10, burst: 1, wait: .seconds(60))
        #expect(limiter.tryAcquire().isAllowed)
        let waiter = Task { await rejection(of: limiter) }
        try await time.nextTimerScheduled()
        waiter.cancel()
        #expect(await waiter.value == .cancelled(bulkhead: "orders"))
        time.advance(by: .milliseconds(100))
        #expect(limiter.tryAcquire().isAllowed)
    }

    @Test("the permit of one who is cancelled among others lapses, so that the rate holds")
    func cancelledAmongOthers() async throws {
        let limiter = limiter(10, burst: 1, wait: .seconds(60))
        #expect(limiter.tryAcquire().isAllowed)
        let first = Task { await rejection(of: limiter) }
        try await time.nextTimerScheduled()
        async let second = rejection(of: limiter)
        let due = try await time.nextTimerScheduled()
        first.cancel()
        #expect(await first.value == .cancelled(bulkhead: "orders"))
        async let third = rejection(of: limiter)
        #expect(due.duration(to: try await time.nextTimerScheduled()) == .milliseconds(100))
        time.advance(by: .milliseconds(300))
        #expect(await (second, third) == (nil, nil))
    }

    @Test("a call is made with its permit, and its error is its own")
    func call() async {
        let limiter = limiter(10, burst: 1)
        let failed: Guarded<Int, ProviderDown> = await limiter.call { () async throws(ProviderDown) in
            throw ProviderDown()
        }
        guard case .failure(ProviderDown()) = failed else { return #expect(Bool(false)) }
        let refused = await limiter.call { () async throws(ProviderDown) in 1 }
        guard case .rejected(.rateLimited) = refused else { return #expect(Bool(false)) }
    }

    @Test("many threads together get the burst, and not one permit more")
    func threads() async {
        let limiter = limiter(1, burst: 1000)
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<500).count { _ in limiter.tryAcquire().isAllowed } }
            }
            return await group.reduce(0, +)
        }
        #expect(granted == 1000)
        #expect(limiter.rejected == 3000)
    }

    @Test(
        "bad limits are told all at once",
        arguments: [
            (RateLimit(permits: 0, per: .zero, burst: 0), 3),
            (RateLimit(permits: 2_000_000_001, per: .seconds(1), burst: 1), 1),
            (RateLimit(permits: 1, per: .seconds(86_400), burst: 366), 1),
            (RateLimit(permits: 1, per: .seconds(86_400), burst: 365), 0),
            (RateLimit(permits: 1_000_000_000, per: .seconds(1)), 0),
        ])
    func faults(limit: RateLimit, count: Int) {
        #expect(limit.faults.count == count)
    }
}
