import Clocks

/// When a breaker opens, for how long, and what it takes to close it.
public struct CircuitBreakerConfiguration: Hashable, Sendable {
    /// Which calls are looked back on.
    public enum Window: Hashable, Sendable {
        /// The last calls, this many.
        case count(Int)

        /// The calls of about this span, forgotten in this many portions.
        case time(Duration, buckets: Int = 10)
    }

    /// What follows a half-open period that took too long.
    public enum HalfOpenEnd: String, Hashable, Sendable, CaseIterable {
        /// The breaker opens again, for a longer time.
        case open
        /// The breaker closes: for dependencies with so few calls that the probes would not come together.
        case closed
    }

    /// Which calls are looked back on.
    public var window = Window.count(100)

    /// The breaker judges rates only once the window holds this many calls.
    public var minimumCalls = 20

    /// Opens when this share of the calls failed, above 0 and up to 1; nil for never.
    public var failureRate: Double? = 0.5

    /// Opens when this share of the calls was slow, above 0 and up to 1; nil for never. Calls are timed only where it
    /// is set.
    public var slowCallRate: Double?

    /// A call that takes at least this long is slow.
    public var slowCallDuration = Duration.seconds(5)

    /// Opens after this many failures in a row, whatever the window holds; nil for never.
    public var consecutiveFailures: Int?

    /// How long it stays open: growing each time it opens again without having closed.
    public var openTime = Backoff.exponential(base: .seconds(5), factor: 2, cap: .seconds(60), jitter: 0.2)

    /// How many probes decide in half-open. No more than these are under way or judged at a time.
    public var permittedProbes = 3

    /// The share of the probes that must succeed for the breaker to close, above 0 and up to 1.
    public var probeSuccessRatio = 0.6

    /// When no further probe may go out and the last one went out this long ago, those that have not come back count
    /// as lost and the breaker opens again.
    public var maximumHalfOpenWait = Duration.seconds(30)

    /// The breaker is half-open for no longer than this, whether or not calls come; nil for no limit.
    public var maximumHalfOpenTime: Duration?

    /// What follows when ``maximumHalfOpenTime`` is over.
    public var halfOpenEnd = HalfOpenEnd.open

    /// Whether a timer ends the open and half-open times, so that a change is seen and reported when it is due. Without
    /// it the next call ends them, which costs nothing while there is none.
    public var changesByTimer = false

    /// The defaults of all members.
    public init() {}

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults = openTime.faults + windowFaults
        for (name, rate) in [
            ("failure rate", failureRate), ("slow-call rate", slowCallRate), ("probe success ratio", probeSuccessRatio),
        ] {
            if let rate, !(rate > 0 && rate <= 1) { faults.append("the \(name) must be above 0 and at most 1") }
        }
        if slowCallDuration <= .zero { faults.append("a slow call must take some time") }
        if let consecutiveFailures, consecutiveFailures < 1 {
            faults.append("the number of failures in a row must be at least 1")
        }
        if permittedProbes < 1 { faults.append("at least 1 probe must be permitted") }
        if maximumHalfOpenWait <= .zero { faults.append("the wait for probes must be positive") }
        if let maximumHalfOpenTime, maximumHalfOpenTime <= .zero {
            faults.append("the longest half-open time must be positive")
        }
        return faults
    }

    private var windowFaults: [String] {
        var faults: [String] = []
        switch window {
        case .count(let count):
            if count < 1 { faults.append("the window must hold at least 1 call") }
            if minimumCalls > count { faults.append("the minimum of calls must fit into the window") }
        case .time(let span, let buckets):
            if buckets < 1 { faults.append("the window needs at least 1 portion") }
            if span.wholeNanoseconds < Int64(max(buckets, 1)) { faults.append("the window must span some time") }
        }
        if minimumCalls < 1 { faults.append("the minimum of calls must be at least 1") }
        return faults
    }

    var hasTimeWindow: Bool {
        if case .time = window { true } else { false }
    }

    /// The smallest number of good probes that is at least the wanted share of those permitted. Found by division, as
    /// `100 × 0.07` is more than 7.
    var neededProbes: Int {
        var needed = Int((Double(permittedProbes) * probeSuccessRatio).rounded(.down))
        while Double(needed) / Double(permittedProbes) < probeSuccessRatio { needed += 1 }
        return needed
    }
}
