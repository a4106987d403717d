import Clocks

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One fault to inject: into which calls, how often, and what.
public struct FaultRule: Hashable, Sendable {
    /// Which names a rule means.
    public enum Match: Hashable, Sendable {
        /// All, and none.
        case any

        /// This one.
        case exactly(String)

        /// Those that begin so.
        case prefix(String)
    }

    /// What share of the calls the rate is taken of.
    public enum Sampling: String, Hashable, Sendable, CaseIterable {
        /// Of the calls, one by one: a retry may succeed.
        case calls

        /// Of the keys: all calls with the same key fare alike, in whatever order they come. Calls without a key count as
        /// one key.
        case keys
    }

    /// How long to wait.
    public enum Latency: Hashable, Sendable {
        /// Always so long.
        case fixed(Duration)

        /// Anything in between, all equally likely.
        case uniform(from: Duration, to: Duration)

        /// Mostly short and sometimes long, with this mean, at most `cap`.
        case exponential(mean: Duration, cap: Duration)
    }

    /// What happens instead of the call's own result.
    public enum Effect: Hashable, Sendable {
        /// It is refused with ``Rejection/faultInjected(operation:fault:)``.
        case refusal

        /// It throws an error of this kind, which the caller makes.
        case error(String)

        /// It returns a value of this kind, which the caller makes.
        case outcome(String)
    }

    /// When it happens.
    public enum Moment: String, Hashable, Sendable, CaseIterable {
        /// Instead of the call, or before it.
        case before

        /// When the call has been made: its answer is slow, or lost.
        case after
    }

    /// What to call it in events and counts; unique among the rules.
    public var name: String

    /// Into calls of which operations.
    public var operation = Match.any

    /// Into calls with which keys. A call without a key is meant by ``Match/any`` only.
    public var key = Match.any

    /// Into what share of these calls, from 0 to 1.
    public var rate: Double

    /// What the rate is taken of.
    public var sampling = Sampling.calls

    /// When it happens.
    public var moment = Moment.before

    /// How long to wait first; nil for not at all.
    public var latency: Latency?

    /// What happens after that; nil for nothing but the wait.
    public var effect: Effect?

    /// The rule ends after this many injections; nil for never.
    public var times: Int?

    /// The rule ends this long after it was set; nil for never.
    public var lasts: Duration?

    /// A rule for all calls, at this rate.
    public init(_ name: String, rate: Double = 1, latency: Latency? = nil, effect: Effect? = nil) {
        self.name = name
        self.rate = rate
        self.latency = latency
        self.effect = effect
    }

    /// No single wait is longer: a fault is not to outlive its drill.
    public static let longestLatency = Duration.seconds(600)

    /// What is wrong with the rule, as sentences that name it; empty when nothing is.
    public var faults: [String] {
        var faults: [String] = []
        if name.isEmpty { faults.append("a rule has no name") }
        if !(rate >= 0 && rate <= 1) { faults.append("rule \(name): the rate must be from 0 to 1") }
        if latency == nil, effect == nil { faults.append("rule \(name): it has neither latency nor effect") }
        for (what, match) in [("operation", operation), ("key", key)] {
            if case .prefix("") = match { faults.append("rule \(name): the prefix of the \(what) is empty") }
        }
        switch effect {
        case .error(""), .outcome(""): faults.append("rule \(name): the effect has no kind")
        case .refusal, .error, .outcome, nil: break
        }
        if let times, times < 1 { faults.append("rule \(name): it must be allowed at least 1 injection") }
        if let lasts, lasts <= .zero { faults.append("rule \(name): it must last some time") }
        return faults + (latency?.faults.map { "rule \(name): \($0)" } ?? [])
    }
}

extension FaultRule.Match {
    func matches(_ name: String?) -> Bool {
        switch self {
        case .any: true
        case .exactly(let wanted): name == wanted
        case .prefix(let prefix): name?.hasPrefix(prefix) ?? false
        }
    }
}

extension FaultRule.Latency {
    fileprivate var faults: [String] {
        let isInOrder: Bool
        let longest: Duration
        switch self {
        case .fixed(let duration): (isInOrder, longest) = (duration > .zero, duration)
        case .uniform(let from, let to): (isInOrder, longest) = (from >= .zero && from < to, to)
        case .exponential(let mean, let cap): (isInOrder, longest) = (mean > .zero && mean <= cap, cap)
        }
        return [
            isInOrder ? nil : "its latency must be positive, and the lower bound or mean below the upper",
            longest > FaultRule.longestLatency ? "its latency must be at most \(FaultRule.longestLatency)" : nil,
        ].compactMap { $0 }
    }

    func draw(_ random: inout FastRandom) -> Duration {
        switch self {
        case .fixed(let duration):
            return duration
        case .uniform(let from, let to):
            let span = Double((to - from).wholeNanoseconds)
            return from + .nanoseconds(Int64(span * random.nextUnit()))
        case .exponential(let mean, let cap):
            let nanoseconds = -Double(mean.wholeNanoseconds) * log(1 - random.nextUnit())
            return min(cap, .nanoseconds(Int64(min(nanoseconds, Double(cap.wholeNanoseconds)))))
        }
    }
}
