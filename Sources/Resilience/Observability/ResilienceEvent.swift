/// Receives what the policies report. It is called on the caller's thread, outside of locks, and must not block.
public typealias ResilienceObserver = @Sendable (ResilienceEvent) -> Void

/// Something a policy did that an operator may want to count or log.
public enum ResilienceEvent: Hashable, Sendable {
    /// A breaker went from one state to another.
    case circuitBreakerChanged(name: String, CircuitBreakerTransition)

    /// A policy refused a call.
    case rejected(Rejection)

    /// A call admitted in an earlier state of the breaker has ended; its result was dropped.
    case lateResultDropped(breaker: String)

    /// An attempt failed and the next one, with this number, follows after the delay.
    case retryScheduled(operation: String, attempt: Int, delay: Duration)

    /// No further attempt follows the one with this number.
    case retryStopped(operation: String, attempt: Int, RetryStop)

    /// A further call of the same operation was started because the one before had not answered after the delay.
    case hedgeStarted(operation: String, attempt: Int, delay: Duration)

    /// The call with this number answered first; the others were cancelled.
    case hedgeWon(operation: String, attempt: Int)

    /// No hedge was started: the retry budget of the dependency is used up.
    case hedgeSuppressed(operation: String)

    /// The answer came from a fallback; `reason` says what made it necessary.
    case fallbackUsed(operation: String, reason: String)

    /// An adaptive limit has moved.
    case concurrencyLimitChanged(limiter: String, from: Int, to: Int)

    /// A balancer leaves an endpoint out for this long.
    case endpointEjected(balancer: String, endpoint: String, reason: String, time: Duration)

    /// A balancer calls an endpoint again.
    case endpointReturned(balancer: String, endpoint: String)

    /// Fault injection did something to a call.
    case faultInjected(operation: String, fault: String)
}
