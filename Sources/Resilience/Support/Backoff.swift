import Clocks

/// How delays grow from one time to the next.
///
/// The cap comes before the jitter, so delays stay spread out when they have reached it; jitter only shortens.
public enum Backoff: Hashable, Sendable {
    /// `base × factor^(n − 1)`, at most `cap`, then shortened at random by up to the share `jitter` of it (0 to 1).
    case exponential(base: Duration, factor: Double = 2, cap: Duration, jitter: Double = 0.5)

    /// Drawn between `base` and three times the delay before, at most `cap`.
    case decorrelated(base: Duration, cap: Duration)

    /// The delay number `count` (from 1), after one of `previous`.
    public func delay(_ count: Int, after previous: Duration?, random: any RandomSource) -> Duration {
        switch self {
        case .exponential(let base, let factor, let cap, let jitter):
            let limit = Double(cap.wholeNanoseconds)
            var nanoseconds = min(Double(base.wholeNanoseconds), limit)
            var step = 1
            while step < count, nanoseconds < limit, factor > 1 {
                nanoseconds = min(nanoseconds * factor, limit)
                step += 1
            }
            return .nanoseconds(Int64(nanoseconds * (1 - jitter * random.nextUnit())))
        case .decorrelated(let base, let cap):
            let low = Double(min(base, cap).wholeNanoseconds)
            let before = Double(min(previous ?? base, cap).wholeNanoseconds)
            let high = min(max(before * 3, low), Double(cap.wholeNanoseconds))
            return .nanoseconds(Int64(low + (high - low) * random.nextUnit()))
        }
    }

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults: [String] = []
        switch self {
        case .exponential(let base, let factor, let cap, let jitter):
            if base < .zero { faults.append("the base delay must not be negative") }
            if cap < base { faults.append("the delay's cap must not be below its base") }
            if !(factor >= 1 && factor.isFinite) { faults.append("the delay's factor must be at least 1") }
            if !(jitter >= 0 && jitter <= 1) { faults.append("the jitter must be from 0 to 1") }
        case .decorrelated(let base, let cap):
            if base <= .zero { faults.append("the base delay must be positive") }
            if cap < base { faults.append("the delay's cap must not be below its base") }
        }
        return faults
    }
}
