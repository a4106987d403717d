import Clocks

// What every call goes through, twice. A good call through a closed breaker costs one atomic read and one atomic
// exchange here; it takes no lock, and reads the clock only where its configuration speaks of time.
extension CircuitBreaker {
    /// More nanoseconds than a rough reading of the clock is ever late by on a machine that is not stalled.
    private static var roughness: Int64 { 100_000_000 }

    /// Whether a call may be made: nil and a ticket to be given to ``leave(_:_:)`` exactly once, or the refusal.
    @usableFromInline
    func enter(_ ticket: inout CircuitBreakerTicket) -> Rejection? {
        let shown = lane.state
        switch shown.state {
        case .closed, .disabled, .metricsOnly:
            ticket.generation = shown.generation
            ticket.state = shown.state
            if timesCalls { ticket.startedAt = time.now }
            return nil
        case .open, .forcedOpen:
            return refuseInPassing() ?? ask(&ticket)
        case .halfOpen:
            return ask(&ticket)
        }
    }

    /// The refusal of a breaker that is open for some time yet; nil when that has to be looked at.
    private func refuseInPassing() -> Rejection? {
        let sign = lane.sign
        guard sign.isOpen else { return nil }
        switch sign.state {
        case .open:
            let end = lane.end
            // The exact time matters towards the end alone.
            var now = time.roughNow
            if now.nanoseconds >= end.nanoseconds - Self.roughness { now = time.now }
            guard now < end, lane.take(sign) else { return nil }
            return refuse(.open, retryAfter: now.duration(to: end))
        case .forcedOpen:
            return lane.take(sign) ? refuse(.forcedOpen, retryAfter: nil) : nil
        case .closed, .halfOpen, .disabled, .metricsOnly:
            return nil
        }
    }

    /// Takes the result of an admitted call.
    @usableFromInline
    func leave(_ ticket: CircuitBreakerTicket, _ outcome: CallOutcome) {
        let sign = lane.sign
        if outcome == .success, sign.isOpen, sign.generation == ticket.generation {
            guard timesSuccesses else {
                if lane.take(sign) { return }
                return tell(ticket, outcome, now: time.now)
            }
            let now = time.now
            let isSlow = timesCalls && configuration.slowCallDuration <= ticket.startedAt.duration(to: now)
            if !isSlow, now < lane.end, lane.take(sign) { return }
            return tell(ticket, outcome, now: now)
        }
        tell(ticket, outcome, now: time.now)
    }

    @inline(never)
    private func ask(_ ticket: inout CircuitBreakerTicket) -> Rejection? {
        let now = time.now
        switch decide(at: now, { $0.admit(now: now, random: random, changed: &$1) }) {
        case .admitted(let admitted):
            ticket = admitted
            return nil
        case .rejected(let state, let retryAfter):
            return refuse(state, retryAfter: retryAfter)
        }
    }

    @inline(never)
    private func tell(_ ticket: CircuitBreakerTicket, _ outcome: CallOutcome, now: MonotonicInstant) {
        let verdict = decide(at: now) { $0.finish(ticket, outcome, now: now, random: random, changed: &$1) }
        if verdict == .late { observer?(.lateResultDropped(breaker: name)) }
    }

    private func refuse(_ state: CircuitBreakerState, retryAfter: Duration?) -> Rejection {
        let rejection = Rejection.circuitOpen(breaker: name, state: state, retryAfter: retryAfter)
        observer?(.rejected(rejection))
        return rejection
    }
}
