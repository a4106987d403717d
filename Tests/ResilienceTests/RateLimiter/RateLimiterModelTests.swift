import Clocks
import TestSupport
import Testing

@testable import Resilience

/// A bucket that keeps its level exactly, in units of which each permit is worth a period's nanoseconds.
private struct NaiveBucket {
    let permits: Int128
    let period: Int128
    let burst: Int128
    var level: Int128
    var at: Int128

    init(_ limit: RateLimit, now: MonotonicInstant) {
        permits = Int128(limit.permits)
        period = Int128(limit.period.wholeNanoseconds)
        burst = Int128(limit.burst)
        level = burst * period
        at = Int128(now.nanoseconds)
    }

    mutating func refill(now: MonotonicInstant) {
        level = min(burst * period, level + (Int128(now.nanoseconds) - at) * permits)
        at = Int128(now.nanoseconds)
    }

    mutating func take(_ cost: Int, now: MonotonicInstant) -> Bool {
        refill(now: now)
        let price = min(Int128(cost), burst) * period
        guard level >= price else { return false }
        level -= price
        return true
    }

    var remaining: Int { Int(level / period) }

    /// Nanoseconds until there is this much.
    func wait(for cost: Int) -> Int64 {
        let lack = max(0, min(Int128(cost), burst) * period - level)
        return Int64((lack + permits - 1) / permits)
    }
}

private struct Draw {
    let random: SeededRandom

    func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    /// Of very different speeds, all with an interval that ticks can hold exactly.
    func limit() -> RateLimit {
        let permits = [1, 2, 3, 7, 10, 16, 100, 1000, 60][pick(9)]
        let period = [Duration.nanoseconds(1000), .milliseconds(10), .seconds(1), .seconds(60)][pick(4)]
        return RateLimit(permits: permits, per: period, burst: 1 + pick(20))
    }

    /// From nothing to a few intervals, often just short of one.
    func step(_ limit: RateLimit) -> Duration {
        let interval = limit.period.wholeNanoseconds / Int64(limit.permits)
        switch pick(5) {
        case 0: return .zero
        case 1: return .nanoseconds(1)
        case 2: return .nanoseconds(interval)
        case 3: return .nanoseconds(Int64(pick(Int(3 * interval) + 1)))
        default: return .nanoseconds(max(0, interval - 1))
        }
    }
}

struct RateLimiterModelTests {
    @Test("it grants, refuses and announces exactly what a bucket kept exactly would", arguments: replayable(0..<200))
    func agreesWithNaiveBucket(seed: UInt64) {
        let draw = Draw(random: SeededRandom(seed: seed))
        let limit = draw.limit()
        let time = TestTime()
        let limiter = RateLimiter(name: "r", limit: limit, time: time)
        var naive = NaiveBucket(limit, now: time.now)
        for _ in 0..<500 {
            time.advance(by: draw.step(limit))
            let cost = draw.pick(4) == 0 ? 1 + draw.pick(limit.burst + 2) : 1
            let decision = limiter.tryAcquire(cost: cost)
            #expect(decision.isAllowed == naive.take(cost, now: time.now), "seed \(seed)")
            #expect(decision.quota.remaining == naive.remaining, "seed \(seed)")
            #expect(decision.quota == limiter.quota, "seed \(seed)")
            let next = naive.remaining == limit.burst ? 0 : naive.wait(for: naive.remaining + 1)
            #expect(decision.quota.nextPermitIn == .nanoseconds(next), "seed \(seed)")
            #expect(decision.quota.fullIn == .nanoseconds(naive.wait(for: limit.burst)), "seed \(seed)")
            guard case .rejected(_, let retryAfter) = decision else { continue }
            #expect(retryAfter == .nanoseconds(naive.wait(for: cost)), "seed \(seed)")
        }
    }

    @Test(
        "in no stretch of time more is granted than burst and rate allow, whatever the rate",
        arguments: replayable(0..<60))
    func neverTooMany(seed: UInt64) {
        let draw = Draw(random: SeededRandom(seed: seed))
        // Prime numbers of permits: the interval has to be rounded.
        let permits = [1, 17, 997, 99_991, 999_983, 1_000_003, 333_333_333][draw.pick(7)]
        let limit = RateLimit(permits: permits, per: .seconds(1), burst: 1 + draw.pick(30))
        let time = TestTime()
        let limiter = RateLimiter(name: "r", limit: limit, time: time)
        var naive = NaiveBucket(limit, now: time.now)
        var granted: [(at: Int128, before: Int128)] = []
        var total: Int128 = 0
        for _ in 0..<400 {
            time.advance(by: draw.step(limit))
            let cost = 1 + draw.pick(2)
            let isAllowed = limiter.tryAcquire(cost: cost).isAllowed
            #expect(!isAllowed || naive.take(cost, now: time.now), "seed \(seed): granted what is not there")
            guard isAllowed else { continue }
            granted.append((Int128(time.now.nanoseconds), total))
            total += min(Int128(cost), Int128(limit.burst))
        }
        for end in granted.indices {
            let upTo = end + 1 < granted.count ? granted[end + 1].before : total
            for start in granted[...end] {
                let allowed = Int128(limit.burst) * 1_000_000_000 + (granted[end].at - start.at) * Int128(permits)
                #expect((upTo - start.before) * 1_000_000_000 <= allowed, "seed \(seed)")
            }
        }
    }

    @Test("rounding the interval costs less than a ten-thousandth at a million a second")
    func rounding() {
        let limit = RateLimit(permits: 999_983, per: .seconds(1), burst: 10)
        let time = TestTime()
        let limiter = RateLimiter(name: "r", limit: limit, time: time)
        var granted = 0
        for _ in 0..<200_000 {
            time.advance(by: .microseconds(5))
            for _ in 0..<6 where limiter.tryAcquire().isAllowed { granted += 1 }
        }
        #expect((999_883...999_993).contains(granted))
    }
}
