/// What a breaker does with calls.
///
/// Anything may be forced into `forcedOpen`, `disabled` and `metricsOnly` by an operator, and leaves them by a reset
/// to `closed` or by being tripped to `open`. The breaker itself moves only so: `closed` → `open` → `halfOpen` →
/// `closed` or `open`.
public enum CircuitBreakerState: Int, Hashable, Sendable, CaseIterable {
    /// Calls pass and are judged. Leaves to `open` when too many fail.
    case closed = 0

    /// Calls are refused. Leaves to `halfOpen` when its time is up: with the next call, or by the timer.
    case open = 1

    /// Some calls pass as probes. Leaves to `closed` when enough of them succeed, to `open` when that cannot be any
    /// more, the probes are lost or its time is up.
    case halfOpen = 2

    /// Calls are refused until an operator resets the breaker.
    case forcedOpen = 3

    /// Calls pass and are not judged until an operator resets the breaker.
    case disabled = 4

    /// Calls pass and are counted in the window, but never open the breaker, until an operator resets it.
    case metricsOnly = 5
}

/// One change of a breaker's state.
public struct CircuitBreakerTransition: Hashable, Sendable {
    /// What made it change.
    public enum Cause: String, Hashable, Sendable, CaseIterable {
        /// Too large a share of the window failed.
        case failureRate
        /// Too large a share of the window was slow.
        case slowCallRate
        /// Too many failures in a row.
        case consecutiveFailures
        /// The open time is over.
        case openTimeOver
        /// Enough probes succeeded.
        case probesSucceeded
        /// Too many probes failed.
        case probesFailed
        /// The probes never came back.
        case probesLost
        /// The longest half-open time is over.
        case halfOpenTimeOver
        /// An operator wanted it.
        case operatorRequest
    }

    /// The state before.
    public let from: CircuitBreakerState

    /// The state after.
    public let to: CircuitBreakerState

    /// What made it change.
    public let cause: Cause

    /// Creates a description of a change.
    public init(from: CircuitBreakerState, to: CircuitBreakerState, cause: Cause) {
        self.from = from
        self.to = to
        self.cause = cause
    }
}

/// What an operator can tell a breaker to do.
public enum CircuitBreakerCommand: String, Hashable, Sendable, CaseIterable {
    /// Refuse all calls until told otherwise.
    case forceOpen
    /// Open as if too many calls had failed: for the usual time, with probes after it.
    case trip
    /// Let all calls pass unjudged until told otherwise.
    case disable
    /// Let all calls pass, counting them, until told otherwise.
    case metricsOnly
    /// Close and forget what was seen.
    case reset
}
