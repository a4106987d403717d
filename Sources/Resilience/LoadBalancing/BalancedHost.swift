import Clocks

/// What a balancer does with an endpoint.
public enum EndpointState: Hashable, Sendable {
    /// It gets its full share of the calls. Leaves to `ejected`.
    case serving

    /// It gets no calls, unless the balancer panics. Leaves to `probation` with the first call after `until`, or earlier
    /// when too few endpoints are left.
    case ejected(until: MonotonicInstant)

    /// It is new or has come back, and gets a growing share of the calls. Leaves to `serving` when the slow start is
    /// over, to `ejected` when it fails again.
    case probation(since: MonotonicInstant)
}

/// One endpoint as the machine sees it: a place in a list.
struct BalancedHost: Hashable, Sendable {
    /// Tells endpoints apart that had the same place at different times.
    let serial: UInt64
    var state: EndpointState
    /// Goes up with every ejection: a call belongs to the epoch it began in, and its result means something to that one
    /// only.
    var epoch: UInt32 = 0
    var inFlight = 0
    var failuresInARow = 0
    /// Ejections that are not forgiven yet.
    var ejections = 0
    var lastEjectionTime: Duration?
    /// Since the last judgement.
    var calls = 0
    var failures = 0
    /// In nanoseconds, smoothed; nil before the first call has ended. To look at: no decision rests on it.
    var latency: Double?
    var counts = EndpointCounts()

    var isEjected: Bool {
        if case .ejected = state { true } else { false }
    }

    mutating func note(_ outcome: CallOutcome, latency: Duration) {
        let nanoseconds = Double(latency.wholeNanoseconds)
        self.latency = self.latency.map { $0 + (nanoseconds - $0) / 8 } ?? nanoseconds
        calls += 1
        if outcome == .failure {
            failures += 1
            failuresInARow += 1
        } else {
            failuresInARow = 0
        }
    }
}

/// Calls of one endpoint since the balancer has it, by what came of them.
public struct EndpointCounts: Hashable, Sendable {
    /// Calls that were sent there.
    public internal(set) var picked: UInt64 = 0

    /// Calls that succeeded.
    public internal(set) var succeeded: UInt64 = 0

    /// Calls that failed.
    public internal(set) var failed: UInt64 = 0

    /// Calls that said nothing.
    public internal(set) var neutral: UInt64 = 0

    /// Calls from before an ejection that ended after it; their results were ignored.
    public internal(set) var late: UInt64 = 0

    /// How often it was ejected.
    public internal(set) var ejected: UInt64 = 0

    mutating func add(_ outcome: CallOutcome) {
        switch outcome {
        case .success: succeeded += 1
        case .failure: failed += 1
        case .neutral: neutral += 1
        }
    }
}
