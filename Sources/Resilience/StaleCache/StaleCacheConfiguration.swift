import Clocks

/// How old a value may be for which use, and how many are kept. Ages count from the start of the fetch.
public struct StaleCacheConfiguration: Hashable, Sendable {
    /// Younger values are served without further ado.
    public var freshAge = Duration.seconds(1)

    /// Up to this age a value is served at once and fetched anew behind the scenes; older ones are fetched first. So no
    /// value is served longer than this after it has changed, as long as the source can be asked.
    public var staleAge = Duration.seconds(5)

    /// Up to this age a value is served when it cannot be fetched; not below ``staleAge``. The same means never.
    public var errorAge = Duration.seconds(5)

    /// How long one fetch may take; at most ``staleAge``, so that what was fetched may be served.
    public var fetchTimeout = Duration.seconds(2)

    /// After a fetch has failed, values that may be served without one are not fetched anew for this long.
    public var pauseAfterFailure = Duration.milliseconds(500)

    /// How many values a fetch behind the scenes brings at most: it is filled up with others that age too and were used
    /// since they came. For a source that answers for many as easily as for one.
    public var refreshBatch = 1

    /// The values kept; when there are more, those go that were not used for longest.
    public var capacity = 10_000

    /// The defaults of all members.
    public init() {}

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults: [String] = []
        if freshAge < .zero { faults.append("the age of fresh values must not be negative") }
        if staleAge < freshAge { faults.append("the age of stale values must not be below that of fresh ones") }
        if errorAge < staleAge { faults.append("the age in case of errors must not be below that of stale values") }
        if fetchTimeout <= .zero { faults.append("the fetch timeout must be positive") }
        if fetchTimeout > staleAge { faults.append("the fetch timeout must not exceed the age of stale values") }
        if pauseAfterFailure < .zero { faults.append("the pause after a failure must not be negative") }
        if refreshBatch < 1 { faults.append("a fetch behind the scenes must bring at least one value") }
        if capacity < 1 { faults.append("the capacity must be at least 1") }
        return faults
    }

    /// How a value of this age is served when it need not be fetched first; nil when it must be.
    func freshness(age: Duration, hasFailed: Bool) -> Freshness? {
        if age < freshAge { return .fresh }
        guard age <= (hasFailed ? errorAge : staleAge) else { return nil }
        return .stale(hasFailed ? .fetchFailed : .ageing)
    }
}
