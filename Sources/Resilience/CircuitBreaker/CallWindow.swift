import Clocks

/// Numbers of calls of each kind.
struct CallTotals: Hashable, Sendable {
    var calls = 0
    var failures = 0
    var slow = 0

    mutating func add(failed: Bool, slow isSlow: Bool) {
        calls += 1
        failures += failed ? 1 : 0
        slow += isSlow ? 1 : 0
    }

    static func -= (left: inout CallTotals, right: CallTotals) {
        left.calls -= right.calls
        left.failures -= right.failures
        left.slow -= right.slow
    }
}

/// The calls a breaker looks back on. Recording is O(1) and allocates nothing.
struct CallWindow: Sendable {
    private(set) var totals = CallTotals()
    /// With a count window: one slot per call, bit 0 for failed and bit 1 for slow. Slots that hold no call are 0, so
    /// that all are while nothing failed or was slow.
    private var ring: [UInt8] = []
    private var next = 0
    /// With a time window: one slot per portion of time; `latest` is the number of the newest since the clock's start.
    private var buckets: [CallTotals] = []
    private let bucketLength: Int64
    private var latest = Int64.min

    init(_ window: CircuitBreakerConfiguration.Window) {
        switch window {
        case .count(let count):
            bucketLength = 0
            ring = [UInt8](repeating: 0, count: count)
        case .time(let span, let count):
            bucketLength = span.wholeNanoseconds / Int64(count)
            buckets = [CallTotals](repeating: CallTotals(), count: count)
        }
    }

    /// Until when further calls fall into the portion of time that the latest one fell into; for ever with a count
    /// window.
    var portionEnd: MonotonicInstant {
        guard bucketLength > 0 else { return .distantFuture }
        guard latest > .min else { return MonotonicInstant(nanoseconds: .min) }
        let (end, overflow) = (latest + 1).multipliedReportingOverflow(by: bucketLength)
        return MonotonicInstant(nanoseconds: overflow ? .max : end)
    }

    mutating func record(failed: Bool, slow: Bool, now: MonotonicInstant) {
        if bucketLength > 0 {
            forget(now: now)
            buckets[slot(latest)].add(failed: failed, slow: slow)
        } else {
            if totals.calls == ring.count {
                let oldest = ring[next]
                totals -= CallTotals(calls: 1, failures: Int(oldest & 1), slow: Int(oldest >> 1))
            }
            ring[next] = (failed ? 1 : 0) | (slow ? 2 : 0)
            next = next + 1 == ring.count ? 0 : next + 1
        }
        totals.add(failed: failed, slow: slow)
    }

    /// Records so many good calls before ``portionEnd`` at once.
    mutating func recordGood(_ count: Int) {
        if bucketLength > 0 {
            buckets[slot(latest)].calls += count
            totals.calls += count
        } else if totals.failures == 0, totals.slow == 0 {
            totals.calls = min(totals.calls + count, ring.count)
            next = (next + count) % ring.count
        } else {
            // More than the window holds push out one another.
            let now = MonotonicInstant(nanoseconds: 0)
            for _ in 0..<min(count, ring.count) { record(failed: false, slow: false, now: now) }
        }
    }

    /// Drops what is too old. Nothing to do with a count window.
    mutating func forget(now: MonotonicInstant) {
        guard bucketLength > 0 else { return }
        let current = Self.floor(now.nanoseconds, by: bucketLength)
        guard current > latest else { return }
        let (step, overflow) = current.subtractingReportingOverflow(latest)
        let passed = overflow ? Int64(buckets.count) : min(step, Int64(buckets.count))
        for number in (current - passed + 1)...current {
            totals -= buckets[slot(number)]
            buckets[slot(number)] = CallTotals()
        }
        latest = current
    }

    mutating func clear() {
        totals = CallTotals()
        next = 0
        for index in ring.indices { ring[index] = 0 }
        for index in buckets.indices { buckets[index] = CallTotals() }
    }

    private func slot(_ number: Int64) -> Int {
        let remainder = Int(number % Int64(buckets.count))
        return remainder < 0 ? remainder + buckets.count : remainder
    }

    private static func floor(_ value: Int64, by divisor: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
