/// A call was not made, or was stopped, by a policy. It says which one and why.
///
/// A value on the fast path: policies return it and throw nothing.
public enum Rejection: Error, Hashable, Sendable {
    /// The breaker takes no calls. `retryAfter` is the time until it takes probes, where that is known.
    case circuitOpen(breaker: String, state: CircuitBreakerState, retryAfter: Duration?)

    /// All places and all places in the queue are taken.
    case bulkheadFull(bulkhead: String, limit: Int, queueLimit: Int)

    /// No place became free in time.
    case waitedTooLong(bulkhead: String, waited: Duration)

    /// The caller gave up while waiting: for a place, for permits of a rate limiter, or in an injected latency.
    case cancelled(bulkhead: String)

    /// The deadline had passed before the call was made.
    case deadlineExceeded(operation: String)

    /// The call took longer than allowed and was cancelled.
    case timedOut(operation: String, limit: Duration)

    /// The rate is used up. `retryAfter` is the time until the next call of this key is allowed.
    case rateLimited(limiter: String, retryAfter: Duration)

    /// As many calls as the adaptive limit allows for this priority are under way.
    case limitReached(limiter: String, limit: Int, priority: CallPriority)

    /// There is no endpoint to call.
    case noEndpoint(balancer: String)

    /// Fault injection refused the call.
    case faultInjected(operation: String, fault: String)
}

extension Rejection: CustomStringConvertible {
    /// One sentence that names who refused.
    public var description: String {
        switch self {
        case .circuitOpen(let breaker, let state, let retryAfter):
            "circuit breaker \(breaker) is \(state)"
                + (retryAfter.map { "; it may take calls again in \($0)" } ?? "")
        case .bulkheadFull(let bulkhead, let limit, let queueLimit):
            "bulkhead \(bulkhead) has \(limit) calls under way and \(queueLimit) waiting"
        case .waitedTooLong(let bulkhead, let waited):
            "bulkhead \(bulkhead) had no free place within \(waited)"
        case .cancelled(let bulkhead):
            "the caller gave up while waiting at \(bulkhead)"
        case .deadlineExceeded(let operation):
            "the deadline of \(operation) had passed before it began"
        case .timedOut(let operation, let limit):
            "\(operation) took longer than \(limit) and was cancelled"
        case .rateLimited(let limiter, let retryAfter):
            "rate limiter \(limiter) allows the next call in \(retryAfter)"
        case .limitReached(let limiter, let limit, let priority):
            "concurrency limit \(limiter) is at \(limit) calls, with none to spare for priority \(priority)"
        case .noEndpoint(let balancer):
            "\(balancer) has no endpoint to call"
        case .faultInjected(let operation, let fault):
            "an injected fault refused \(operation): \(fault)"
        }
    }
}

/// What came of a guarded call: the call's own result, or a refusal.
@frozen
public enum Guarded<Value, Failure: Error> {
    /// The call returned.
    case success(Value)

    /// The call threw.
    case failure(Failure)

    /// A policy refused.
    case rejected(Rejection)

    /// The value.
    ///
    /// - Throws: The call's own error or the ``Rejection``.
    @inlinable
    public func get() throws -> Value {
        switch self {
        case .success(let value): return value
        case .failure(let error): throw error
        case .rejected(let rejection): throw rejection
        }
    }
}

extension Guarded: Sendable where Value: Sendable {}

extension Guarded {
    @inlinable
    init(_ result: Result<Value, Failure>) {
        switch result {
        case .success(let value): self = .success(value)
        case .failure(let error): self = .failure(error)
        }
    }
}
