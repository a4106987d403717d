/// The breaker's answer to a call that wants to be made.
public enum CircuitBreakerAdmission: ~Copyable, Sendable {
    /// The call may be made; its result belongs into the permit.
    case permitted(CircuitBreakerPermit)

    /// The call must not be made.
    case rejected(Rejection)
}

/// The right to make one call.
///
/// It cannot be copied and finishing consumes it, so a result is given once. A permit that is dropped, by an early
/// return or a throw, gives itself back as neutral.
public struct CircuitBreakerPermit: ~Copyable, Sendable {
    private let breaker: CircuitBreaker
    private let ticket: CircuitBreakerTicket
    private var isFinished = false

    init(breaker: CircuitBreaker, ticket: CircuitBreakerTicket) {
        self.breaker = breaker
        self.ticket = ticket
    }

    /// Tells the breaker what came of the call.
    public consuming func finish(_ outcome: CallOutcome) {
        isFinished = true
        breaker.leave(ticket, outcome)
    }

    deinit {
        if !isFinished { breaker.leave(ticket, .neutral) }
    }
}
