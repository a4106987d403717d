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
    /// With a count window: one slot per call, bit 0 for failed and bit 1 for slow.
    private var ring: [UInt8] = []
    private var next = 0
    /// With a time window: one slot per portion of time; `latest` is the number of the newest since the clock's start.
    private var buckets: [CallTotals] = []
    private let bucketLength: Int64
    private var latest: Int64 = 0

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

    /// Drops what is too old. Nothing to do with a count window.
    mutating func forget(now: MonotonicInstant) {
        guard bucketLength > 0 else { return }
        let current = now.nanoseconds / bucketLength
        guard current > latest else { return }
        let passed = min(current - latest, Int64(buckets.count))
        for number in (current - passed + 1)...current {
            totals -= buckets[slot(number)]
            buckets[slot(number)] = CallTotals()
        }
        latest = current
    }

    mutating func clear() {
        totals = CallTotals()
        next = 0
        for index in buckets.indices { buckets[index] = CallTotals() }
    }

    private func slot(_ number: Int64) -> Int {
        let remainder = Int(number % Int64(buckets.count))
        return remainder < 0 ? remainder + buckets.count : remainder
    }
}
