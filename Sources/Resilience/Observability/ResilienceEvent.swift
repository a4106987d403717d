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
}
