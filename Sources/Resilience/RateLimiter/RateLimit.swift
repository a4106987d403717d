import Clocks

/// How many permits there are, as a bucket that holds ``burst`` of them and is refilled evenly.
///
/// In any stretch of time of length `t` at most `burst + t × permits / period` permits are granted.
public struct RateLimit: Hashable, Sendable {
    /// Permits that come back in each ``period``; at least 1, and at most one a nanosecond.
    public var permits: Int

    /// The time in which ``permits`` come back, one by one.
    public var period: Duration

    /// Permits that may be taken at once after a pause; at least 1.
    public var burst: Int

    /// So many permits each period; as many at once unless said otherwise.
    public init(permits: Int, per period: Duration, burst: Int? = nil) {
        self.permits = permits
        self.period = period
        self.burst = burst ?? permits
    }

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        let nanoseconds = period.wholeNanoseconds
        guard permits >= 1, nanoseconds >= 1, burst >= 1 else {
            return [
                permits < 1 ? "at least 1 permit must come back in each period" : nil,
                nanoseconds < 1 ? "the period must be positive" : nil,
                burst < 1 ? "the burst must be at least 1" : nil,
            ].compactMap { $0 }
        }
        var faults: [String] = []
        if permits > nanoseconds { faults.append("at most 1 permit may come back each nanosecond") }
        let longest = Double(Self.longestRefill.wholeNanoseconds)
        if Double(nanoseconds) / Double(permits) * Double(burst) > longest {
            faults.append("the whole burst must come back within a year")
        }
        return faults
    }

    /// Keeps all arithmetic inside 64 bits.
    private static let longestRefill = Duration.seconds(365 * 86_400)

    /// The `q` of a `RateLimit-Policy` field (draft-ietf-httpapi-ratelimit-headers-10): what one client may use at once.
    public var quota: Int { burst }

    /// The `w` of a `RateLimit-Policy` field, in whole seconds, at least 1: the time in which the whole quota comes back.
    public var windowSeconds: Int64 {
        let rate = CellRate(self)
        return max(1, rate.duration(ofTicks: rate.capacity).wholeSecondsRoundedUp)
    }
}

extension Duration {
    /// In seconds, rounded up: a client that waits so long does not come too early.
    var wholeSecondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 ? seconds + 1 : seconds
    }
}
