import Clocks

/// The generic cell rate algorithm in its virtual scheduling form (ITU-T I.371; ATM Forum Traffic Management 4.0).
///
/// All that is remembered of a bucket is one instant: when it will be full again (the theoretical arrival time). Taking
/// permits moves it into the future by what they take to come back; they are there as long as it does not move further
/// than the whole bucket takes.
///
/// Instants are ticks: fine enough for the interval between two permits to be a whole number of them. Where that would
/// need more than 16 ticks a nanosecond the interval is rounded up, by less than 1/16 ns, so that never too many permits
/// are granted. Ticks are good for 18 years on the machine's clock.
struct CellRate: Hashable, Sendable {
    let ticksPerNanosecond: Int64
    let ticksPerPermit: Int64
    let burst: Int64

    /// What the whole bucket takes to come back, in ticks.
    let capacity: Int64

    /// A bucket that was never used.
    static let full = Int64.min

    private static let finest: Int64 = 16

    /// - Precondition: The limit has no faults.
    init(_ limit: RateLimit) {
        let permits = Int64(limit.permits)
        let period = limit.period.wholeNanoseconds
        let divisor = Self.greatestCommonDivisor(permits, period)
        if permits / divisor <= Self.finest {
            ticksPerNanosecond = permits / divisor
            ticksPerPermit = period / divisor
        } else {
            ticksPerNanosecond = Self.finest
            let (quotient, remainder) = permits.dividingFullWidth(period.multipliedFullWidth(by: Self.finest))
            ticksPerPermit = quotient + (remainder > 0 ? 1 : 0)
        }
        burst = Int64(limit.burst)
        capacity = burst * ticksPerPermit
    }

    @inline(__always)
    func ticks(_ instant: MonotonicInstant) -> Int64 { instant.nanoseconds * ticksPerNanosecond }

    /// What permits of this cost take to come back; a cost above the burst counts as the whole burst.
    @inline(__always)
    func ticks(ofCost cost: Int) -> Int64 {
        precondition(cost > 0, "a permit costs something")
        return min(Int64(cost), burst) * ticksPerPermit
    }

    /// What the bucket lacks, in ticks, at `now`; `fullAt` is the remembered instant. Above `capacity` where permits
    /// were promised ahead of time.
    @inline(__always)
    func backlog(fullAt: Int64, now: Int64) -> Int64 { max(fullAt, now) - now }

    /// Rounded up to a nanosecond.
    @inline(__always)
    func duration(ofTicks ticks: Int64) -> Duration {
        .nanoseconds((ticks + ticksPerNanosecond - 1) / ticksPerNanosecond)
    }

    private static func greatestCommonDivisor(_ left: Int64, _ right: Int64) -> Int64 {
        var (greater, smaller) = (left, right)
        while smaller != 0 { (greater, smaller) = (smaller, greater % smaller) }
        return greater
    }
}
