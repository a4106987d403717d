import Clocks

/// The moment after which nobody waits for the result any more.
///
/// It is absolute on this machine's clock and travels with the task; what leaves the process is the time that
/// remains. Nested deadlines only ever shorten.
public struct Deadline: Hashable, Comparable, Sendable {
    /// The moment itself.
    public let instant: MonotonicInstant

    /// A deadline at this moment.
    public init(at instant: MonotonicInstant) {
        self.instant = instant
    }

    /// A deadline this long after `now`.
    public init(after duration: Duration, from now: MonotonicInstant) {
        instant = now.advanced(by: duration)
    }

    /// The deadline of the running task; nil when nobody has set one.
    @TaskLocal public static var current: Deadline?

    /// The time left; zero once it has passed.
    public func remaining(at now: MonotonicInstant) -> Duration {
        max(.zero, now.duration(to: instant))
    }

    /// Whether it has passed.
    public func hasPassed(at now: MonotonicInstant) -> Bool {
        instant <= now
    }

    /// The time to grant the next service: what remains less what this one needs to make use of the answer.
    /// Nil when nothing would be left, so the call need not be made.
    public func allowance(at now: MonotonicInstant, reserving reserve: Duration) -> Duration? {
        let allowance = now.duration(to: instant) - reserve
        return allowance > .zero ? allowance : nil
    }

    /// Orders deadlines by time.
    public static func < (left: Deadline, right: Deadline) -> Bool {
        left.instant < right.instant
    }
}

/// Runs the body under a deadline, or under the one already set if that is earlier.
///
/// Nothing is interrupted: whoever waits in the body asks ``Deadline/current``. To cancel what does not ask, use
/// ``Timeout``.
@inlinable
public func withDeadline<Value>(
    _ deadline: Deadline, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
) async rethrows -> Value {
    if let current = Deadline.current, current <= deadline { return try await body() }
    return try await Deadline.$current.withValue(deadline, operation: body, isolation: isolation)
}
