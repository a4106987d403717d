import Clocks

/// How a concurrency limit finds its size, and who may use how much of it.
public struct ConcurrencyLimitConfiguration: Hashable, Sendable {
    /// How the limit follows what is observed.
    public enum Algorithm: Hashable, Sendable {
        /// From how latency compares with the latency without queueing. Needs no figure of what is called.
        case gradient(Gradient = Gradient())

        /// Grows by steps and is cut by a share when calls are dropped or take too long.
        case additiveIncrease(AdditiveIncrease)
    }

    /// Knobs of ``Algorithm/gradient(_:)``.
    public struct Gradient: Hashable, Sendable {
        /// Latency may rise to this multiple of the latency without queueing before the limit shrinks; above 1.
        public var tolerance = 1.5

        /// How far a window moves the limit towards where it points, above 0 and up to 1.
        public var smoothing = 0.2

        /// Under load the latency without queueing is measured anew after this time, and later each time it is
        /// confirmed.
        public var minimumProbeInterval = Duration.seconds(1)

        /// And never later than after this time.
        public var maximumProbeInterval = Duration.seconds(30)

        /// The defaults of all members.
        public init() {}
    }

    /// Knobs of ``Algorithm/additiveIncrease(_:)``.
    public struct AdditiveIncrease: Hashable, Sendable {
        /// The limit is cut when the mean latency of a window reaches this.
        public var latencyLimit: Duration

        /// What a cut leaves of the limit, above 0 and below 1.
        public var backoff = 0.9

        /// The defaults of all other members.
        public init(latencyLimit: Duration) {
            self.latencyLimit = latencyLimit
        }
    }

    /// How the limit follows what is observed.
    public var algorithm = Algorithm.gradient()

    /// The limit to begin with, and the one that a limit nobody needs any more goes back to.
    public var initialLimit = 20

    /// The limit is never below; at least 1.
    public var minimumLimit = 2

    /// The limit is never above.
    public var maximumLimit = 1000

    /// The share of the limit up to which calls of normal priority are admitted, above 0 and up to 1.
    public var normalShare = 0.9

    /// The share of the limit up to which background calls are admitted, above 0 and up to ``normalShare``.
    public var backgroundShare = 0.7

    /// The limit is judged anew after this time, or after one mean latency if that is longer, …
    public var window = Duration.milliseconds(100)

    /// … but not before this many calls have ended.
    public var minimumSamples = 20

    /// Calls are dropped for other reasons than load too: up to this share of a window is overlooked.
    public var toleratedDropRate = 0.01

    /// The defaults of all members.
    public init() {}

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults: [String] = []
        if minimumLimit < 1 { faults.append("the minimum limit must be at least 1") }
        if !(minimumLimit <= initialLimit && initialLimit <= maximumLimit) {
            faults.append("the initial limit must be between the minimum and the maximum")
        }
        if maximumLimit > 1_000_000 { faults.append("the maximum limit must be at most 1000000") }
        if !(backgroundShare > 0 && backgroundShare <= normalShare && normalShare <= 1) {
            faults.append("the shares must be above 0 and at most 1, and background's at most normal's")
        }
        if window <= .zero { faults.append("the window must be positive") }
        if minimumSamples < 1 { faults.append("the window needs at least 1 call") }
        if !(toleratedDropRate >= 0 && toleratedDropRate < 1) {
            faults.append("the tolerated drop rate must be from 0 to below 1")
        }
        switch algorithm {
        case .gradient(let gradient): faults += gradient.faults
        case .additiveIncrease(let settings): faults += settings.faults
        }
        return faults
    }
}

extension ConcurrencyLimitConfiguration.Gradient {
    fileprivate var faults: [String] {
        var faults: [String] = []
        if !(tolerance > 1 && tolerance.isFinite) { faults.append("the tolerance must be above 1") }
        if !(smoothing > 0 && smoothing <= 1) { faults.append("the smoothing must be above 0 and at most 1") }
        if !(minimumProbeInterval > .zero && minimumProbeInterval <= maximumProbeInterval) {
            faults.append("the probe intervals must be positive, the minimum not above the maximum")
        }
        return faults
    }
}

extension ConcurrencyLimitConfiguration.AdditiveIncrease {
    fileprivate var faults: [String] {
        var faults: [String] = []
        if latencyLimit <= .zero { faults.append("the latency limit must be positive") }
        if !(backoff > 0 && backoff < 1) { faults.append("the backoff must be above 0 and below 1") }
        return faults
    }
}
