import Clocks
import Resilience
import TestSupport
import Testing

struct KeyedRateLimiterTests {
    private let time = TestTime()
    private let log = EventLog()

    private func limiter(_ permits: Int, burst: Int, keys: Int) -> KeyedRateLimiter<String> {
        KeyedRateLimiter(
            name: "clients", limit: RateLimit(permits: permits, per: .seconds(1), burst: burst), maximumKeys: keys,
            time: time, observer: log.observer)
    }

    @Test("each key has a bucket of its own")
    func separate() {
        let limiter = limiter(1, burst: 2, keys: 10)
        for _ in 0..<2 { #expect(limiter.tryAcquire("a").isAllowed) }
        guard case .rejected(let quota, let retryAfter) = limiter.tryAcquire("a") else {
            return #expect(Bool(false))
        }
        #expect(quota.remaining == 0 && retryAfter == .seconds(1))
        #expect(limiter.tryAcquire("b").quota.remaining == 1)
        #expect(limiter.quota(of: "a").remaining == 0)
        #expect(limiter.quota(of: "nobody").remaining == 2)
        #expect(limiter.snapshot.keys == 2 && limiter.snapshot.rejected == 1)
        #expect(log.events == [.rejected(.rateLimited(limiter: "clients", retryAfter: .seconds(1)))])
    }

    @Test("a full bucket goes before one that is not, though that was used longer ago")
    func idleFirst() {
        let limiter = limiter(1, burst: 10, keys: 3)
        #expect(limiter.tryAcquire("spent", cost: 10).isAllowed)
        #expect(limiter.tryAcquire("idle").isAllowed)
        #expect(limiter.tryAcquire("other", cost: 10).isAllowed)
        time.advance(by: .seconds(2))
        #expect(limiter.tryAcquire("new").isAllowed)
        #expect(limiter.snapshot.keys == 3)
        #expect(limiter.snapshot.idleEvictions == 1 && limiter.snapshot.earlyEvictions == 0)
        #expect(limiter.quota(of: "spent").remaining == 2)
        #expect(limiter.quota(of: "other").remaining == 2)
    }

    @Test("with none full, the least recently used goes and gains no more than one burst")
    func earlyEviction() {
        let limiter = limiter(1, burst: 5, keys: 3)
        #expect(limiter.tryAcquire("victim", cost: 5).isAllowed)
        for key in ["b", "c", "d"] { #expect(limiter.tryAcquire(key, cost: 5).isAllowed) }
        #expect(limiter.snapshot.earlyEvictions == 1)
        var gained = 0
        while limiter.tryAcquire("victim").isAllowed { gained += 1 }
        #expect(gained == 5)
    }

    @Test("a key that is refused again and again is not forgotten for it")
    func refusedStays() {
        let limiter = limiter(1, burst: 1, keys: 10)
        #expect(limiter.tryAcquire("hammer").isAllowed)
        for number in 0..<1000 {
            #expect(limiter.tryAcquire("client \(number)").isAllowed)
            #expect(!limiter.tryAcquire("hammer").isAllowed)
        }
        #expect(limiter.snapshot.keys == 10)
    }

    @Test(
        "it agrees with separate limiters while nobody is pushed out, and is never larger than allowed",
        arguments: replayable(0..<50))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let limit = RateLimit(permits: 1 + pick(5), per: .seconds(1), burst: 1 + pick(4))
        let keyed = KeyedRateLimiter<Int>(name: "k", limit: limit, maximumKeys: 6, time: time)
        let single = (0..<12).map { RateLimiter(name: "\($0)", limit: limit, time: time) }
        var ambiguous = 0
        for _ in 0..<600 {
            time.advance(by: .milliseconds(pick(400)))
            let key = pick(12)
            let before = keyed.snapshot
            let isAllowed = keyed.tryAcquire(key).isAllowed
            let after = keyed.snapshot
            #expect(after.keys <= 6)
            let isExact = after.earlyEvictions == 0
            if isExact { #expect(isAllowed == single[key].tryAcquire().isAllowed, "seed \(seed)") }
            ambiguous += after.earlyEvictions > before.earlyEvictions ? 1 : 0
        }
        #expect(keyed.snapshot.idleEvictions + UInt64(ambiguous) > 0)
    }

    @Test(
        "whatever the keys do, one gains at most one burst for each time it is pushed out early",
        arguments: replayable(0..<50))
    func bound(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let limit = RateLimit(permits: 1 + pick(5), per: .seconds(1), burst: 1 + pick(4))
        let keyed = KeyedRateLimiter<Int>(name: "k", limit: limit, maximumKeys: 4, time: time)
        let start = time.now
        var granted = 0
        for _ in 0..<1000 {
            time.advance(by: .milliseconds(pick(60)))
            granted += keyed.tryAcquire(pick(9)).isAllowed ? 1 : 0
        }
        let seconds = start.duration(to: time.now).inSeconds
        let earned = 9 * (Double(limit.burst) + Double(limit.permits) * seconds)
        let gained = Double(keyed.snapshot.earlyEvictions) * Double(limit.burst)
        #expect(Double(granted) <= earned + gained, "seed \(seed)")
    }

    @Test("many threads on many keys never get more than each key's burst")
    func threads() async {
        let limiter = limiter(1, burst: 100, keys: 50)
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<2000).count { limiter.tryAcquire("client \($0 % 10)").isAllowed } }
            }
            return await group.reduce(0, +)
        }
        #expect(granted == 1000)
        #expect(limiter.snapshot.keys == 10)
    }
}
