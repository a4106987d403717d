import Clocks

/// When a further call is started, and how many.
public struct HedgeConfiguration: Hashable, Sendable {
    /// A further call starts when the one before has taken longer than this share of the recent first calls. So about
    /// the rest of all calls is made twice: one in twenty with 0.95.
    public var quantile = 0.95

    /// No further call starts sooner than this, however fast the calls are.
    public var minimumDelay = Duration.milliseconds(1)

    /// No further call waits longer than this, however slow the calls are.
    public var maximumDelay = Duration.seconds(1)

    /// The delay while there are fewer than ``minimumSamples``.
    public var fallbackDelay = Duration.milliseconds(250)

    /// The recent calls that it takes to know the quantile; below, a few slow calls would decide.
    public var minimumSamples = 100

    /// Calls of this long ago count for sure, those of twice as long no more.
    public var window = Duration.seconds(30)

    /// Further calls for one call.
    public var maximumExtraCalls = 1

    /// The defaults of all members.
    public init() {}

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults: [String] = []
        if !(quantile > 0 && quantile < 1) { faults.append("the quantile must be between 0 and 1") }
        if minimumDelay < .zero { faults.append("the shortest delay must not be negative") }
        if maximumDelay < minimumDelay { faults.append("the longest delay must not be below the shortest") }
        if fallbackDelay < minimumDelay || fallbackDelay > maximumDelay {
            faults.append("the delay for want of samples must be between the shortest and the longest")
        }
        if minimumSamples < 1 { faults.append("the minimum of samples must be at least 1") }
        if window < .milliseconds(1) || window > .seconds(3600) {
            faults.append("the window must be from a millisecond to an hour")
        }
        if maximumExtraCalls < 1 || maximumExtraCalls > 16 { faults.append("the extra calls must be from 1 to 16") }
        return faults
    }
}
