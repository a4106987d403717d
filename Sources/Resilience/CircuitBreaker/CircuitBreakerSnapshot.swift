import Clocks

/// What a breaker knows at one moment, for metrics and operators.
public struct CircuitBreakerSnapshot: Hashable, Sendable {
    /// A change of state and when it came.
    public struct Change: Hashable, Sendable {
        /// From where to where, and why.
        public let transition: CircuitBreakerTransition
        /// When, by the wall clock.
        public let at: Timestamp
    }

    /// The breaker's name.
    public let name: String

    /// By which numbers it judges.
    public let configuration: CircuitBreakerConfiguration

    /// Its state. Without a timer an open breaker stays open until a call comes at or after ``openUntil``.
    public let state: CircuitBreakerState

    /// The last change of state; nil when there was none.
    public let lastChange: Change?

    /// Calls in the window.
    public let calls: Int

    /// Failed calls in the window.
    public let failures: Int

    /// Slow calls in the window, failed or not; always 0 without a slow-call rate.
    public let slowCalls: Int

    /// Failures since the last success.
    public let failuresInARow: Int

    /// When the snapshot was taken, on the clock of ``openUntil``.
    public let takenAt: MonotonicInstant

    /// When it will take probes; nil unless open.
    public let openUntil: MonotonicInstant?

    /// How often it has opened without having closed since.
    public let openingsInARow: Int

    /// Probes under way; 0 unless half-open.
    public let probesOut: Int

    /// Probes that succeeded in this half-open period.
    public let probesSucceeded: Int

    /// Probes that failed in this half-open period.
    public let probesFailed: Int

    /// Calls since the breaker was made.
    public let counts: CircuitBreakerCounts

    /// The share of failed calls in the window, from 0 to 1; nil while it is empty.
    public var failureRate: Double? { calls > 0 ? Double(failures) / Double(calls) : nil }

    /// The share of slow calls in the window, from 0 to 1; nil while it is empty.
    public var slowCallRate: Double? { calls > 0 ? Double(slowCalls) / Double(calls) : nil }

    /// How long calls are still refused for certain; nil unless open, zero when the next call is a probe.
    public var remainingOpenTime: Duration? {
        openUntil.map { max(.zero, takenAt.duration(to: $0)) }
    }
}
