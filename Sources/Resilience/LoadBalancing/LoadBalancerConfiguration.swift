import Clocks

/// When a balancer leaves an endpoint out, for how long, and how it takes it back.
public struct LoadBalancerConfiguration: Hashable, Sendable {
    /// An endpoint is ejected after this many failures in a row; nil for never. On probation half of it is enough.
    public var consecutiveFailures: Int? = 5

    /// Success rates are judged this often. An endpoint that stays in service that long is forgiven one ejection.
    public var interval = Duration.seconds(10)

    /// An endpoint's rates are judged only if this many of its calls ended in the interval.
    public var minimumCalls = 50

    /// An endpoint is ejected when this share of its calls failed, whatever the others do, above 0 and up to 1; nil for
    /// never.
    public var failureRate: Double? = 0.85

    /// An endpoint is ejected when its success rate is below the mean of all by this many standard deviations, and by
    /// ``minimumDifference``; nil for never.
    public var deviations: Double? = 1.9

    /// What is worse than the mean by less is no outlier, however alike the others are.
    public var minimumDifference = 0.1

    /// Success rates are compared only among at least this many endpoints. Among n none can be further from the mean
    /// than √(n − 1) standard deviations.
    public var minimumEndpoints = 5

    /// How long an endpoint is left out: growing with each ejection that is not forgiven yet.
    public var ejectionTime = Backoff.exponential(base: .seconds(10), factor: 2, cap: .seconds(300), jitter: 0.2)

    /// No more than this share of the endpoints is left out at a time, from 0 to 1; but one of two or more always may
    /// be, and all never are. With 0 none is.
    public var maximumEjectedShare = 0.5

    /// With less than this share in service the balancer panics: it calls all, for those left would not bear the load.
    public var panicShare = 0.5

    /// An endpoint that comes back, or is new, is on probation for so long, and its share of the calls grows from
    /// ``initialShare`` to a full one.
    public var slowStart = Duration.seconds(10)

    /// The share an endpoint on probation begins with, above 0 and up to 1.
    public var initialShare = 0.1

    /// The defaults of all members.
    public init() {}

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults = ejectionTime.faults
        if let consecutiveFailures, consecutiveFailures < 1 {
            faults.append("the number of failures in a row must be at least 1")
        }
        if interval <= .zero { faults.append("the interval must be positive") }
        if minimumCalls < 1 { faults.append("the minimum of calls must be at least 1") }
        if let failureRate, !(failureRate > 0 && failureRate <= 1) {
            faults.append("the failure rate must be above 0 and at most 1")
        }
        if let deviations {
            if !(deviations > 0 && deviations.isFinite) {
                faults.append("the number of deviations must be positive")
            } else if minimumEndpoints < 2 || deviations * deviations >= Double(minimumEndpoints - 1) {
                faults.append("among so few endpoints none can be \(deviations) deviations from the mean")
            }
        }
        for (name, share, lowest) in [
            ("minimum difference", minimumDifference, 0), ("maximum ejected share", maximumEjectedShare, 0),
            ("panic share", panicShare, 0), ("initial share", initialShare, Double.leastNonzeroMagnitude),
        ] where !(share >= lowest && share <= 1) {
            faults.append("the \(name) must be \(lowest > 0 ? "above" : "from") 0 and at most 1")
        }
        if slowStart < .zero { faults.append("the slow start must not be negative") }
        return faults
    }
}
