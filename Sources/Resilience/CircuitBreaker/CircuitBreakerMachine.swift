import Clocks

/// The breaker's decisions, without clock, lock or randomness of its own.
///
/// Every change of state begins a new generation. A call belongs to the generation that admitted it, and its result
/// means something to that one only.
struct CircuitBreakerMachine: Sendable {
    /// What a caller is told.
    enum Decision: Hashable {
        case admitted(Ticket)
        case rejected(CircuitBreakerState, retryAfter: Duration?)
    }

    /// What an admitted call brings back.
    struct Ticket: Hashable, Sendable {
        var generation: UInt64
        var state: CircuitBreakerState
        var startedAt: MonotonicInstant
    }

    /// What became of a result.
    enum Verdict: Hashable {
        case taken
        case late
    }

    let configuration: CircuitBreakerConfiguration
    private(set) var state = CircuitBreakerState.closed
    private(set) var generation: UInt64 = 0
    private(set) var counts = CircuitBreakerCounts()
    private(set) var openUntil: MonotonicInstant?
    private var window: CallWindow
    private var failuresInARow = 0
    /// How often it has opened without having closed since.
    private var openings = 0
    private var lastOpenTime: Duration?
    private var probes = Probes()

    /// The probes of one half-open period. Never more than the permitted number are out and judged together.
    private struct Probes {
        var out = 0
        var succeeded = 0
        var failed = 0
        var lastAdmission = MonotonicInstant(nanoseconds: 0)
    }

    init(_ configuration: CircuitBreakerConfiguration) {
        self.configuration = configuration
        window = CallWindow(configuration.window)
    }

    mutating func admit(
        now: MonotonicInstant, random: any RandomSource, changed: inout CircuitBreakerTransition?
    ) -> Decision {
        if state == .open, let openUntil, openUntil <= now {
            changed = move(to: .halfOpen, because: .openTimeOver)
        } else if state == .halfOpen, areProbesLost(now: now) {
            changed = open(because: .probesLost, now: now, random: random)
        }
        switch state {
        case .closed, .disabled, .metricsOnly:
            break
        case .halfOpen where probes.out + probes.succeeded + probes.failed < configuration.permittedProbes:
            probes.out += 1
            probes.lastAdmission = now
        case .open, .halfOpen, .forcedOpen:
            counts.add(.rejected, in: state)
            return .rejected(state, retryAfter: openUntil.map { now.duration(to: $0) })
        }
        return .admitted(Ticket(generation: generation, state: state, startedAt: now))
    }

    mutating func finish(
        _ ticket: Ticket, _ outcome: CallOutcome, now: MonotonicInstant, random: any RandomSource,
        changed: inout CircuitBreakerTransition?
    ) -> Verdict {
        guard ticket.generation == generation else {
            counts.add(.late, in: ticket.state)
            return .late
        }
        let isSlow = configuration.slowCallDuration <= ticket.startedAt.duration(to: now)
        counts.add(outcome, in: state)
        switch state {
        case .closed:
            guard outcome != .neutral else { break }
            note(outcome, isSlow: isSlow, now: now)
            if let cause = reasonToOpen() { changed = open(because: cause, now: now, random: random) }
        case .metricsOnly:
            if outcome != .neutral { note(outcome, isSlow: isSlow, now: now) }
        case .halfOpen:
            changed = judgeProbe(outcome, isSlow: isSlow, now: now, random: random)
        case .disabled:
            break
        case .open, .forcedOpen:
            preconditionFailure("a refusing breaker has admitted no call of its generation")
        }
        return .taken
    }

    /// Puts the breaker into a state an operator wants; `closed` begins anew.
    mutating func force(_ wanted: CircuitBreakerState) -> CircuitBreakerTransition {
        precondition(wanted != .open && wanted != .halfOpen, "the breaker alone decides when it is open or half-open")
        openings = 0
        lastOpenTime = nil
        return move(to: wanted, because: .operatorRequest)
    }

    func snapshot(name: String, now: MonotonicInstant) -> CircuitBreakerSnapshot {
        var window = window
        window.forget(now: now)
        return CircuitBreakerSnapshot(
            name: name, state: state, calls: window.totals.calls, failures: window.totals.failures,
            slowCalls: window.totals.slow, openUntil: openUntil, counts: counts)
    }
}

// MARK: Judging

extension CircuitBreakerMachine {
    private mutating func note(_ outcome: CallOutcome, isSlow: Bool, now: MonotonicInstant) {
        failuresInARow = outcome == .failure ? failuresInARow + 1 : 0
        window.record(failed: outcome == .failure, slow: isSlow, now: now)
    }

    private func reasonToOpen() -> CircuitBreakerTransition.Cause? {
        if let limit = configuration.consecutiveFailures, failuresInARow >= limit { return .consecutiveFailures }
        let totals = window.totals
        guard totals.calls >= configuration.minimumCalls else { return nil }
        let calls = Double(totals.calls)
        if let rate = configuration.failureRate, Double(totals.failures) >= rate * calls { return .failureRate }
        if let rate = configuration.slowCallRate, Double(totals.slow) >= rate * calls { return .slowCallRate }
        return nil
    }

    private mutating func judgeProbe(
        _ outcome: CallOutcome, isSlow: Bool, now: MonotonicInstant, random: any RandomSource
    ) -> CircuitBreakerTransition? {
        probes.out -= 1
        let isTooSlow = isSlow && configuration.slowCallRate != nil
        switch outcome {
        case .neutral: return nil
        case .success where !isTooSlow: probes.succeeded += 1
        case .success, .failure: probes.failed += 1
        }
        let needed = (Double(configuration.permittedProbes) * configuration.probeSuccessRatio).rounded(.up)
        if Double(probes.succeeded) >= needed {
            openings = 0
            lastOpenTime = nil
            return move(to: .closed, because: .probesSucceeded)
        }
        if Double(configuration.permittedProbes - probes.failed) < needed {
            return open(because: .probesFailed, now: now, random: random)
        }
        return nil
    }

    /// Whether no further probe can go out because those that did have not come back for too long.
    private func areProbesLost(now: MonotonicInstant) -> Bool {
        probes.out > 0 && probes.out + probes.succeeded + probes.failed >= configuration.permittedProbes
            && probes.lastAdmission.duration(to: now) >= configuration.maximumHalfOpenWait
    }

    private mutating func open(
        because cause: CircuitBreakerTransition.Cause, now: MonotonicInstant, random: any RandomSource
    ) -> CircuitBreakerTransition {
        openings += 1
        let time = configuration.openTime.delay(openings, after: lastOpenTime, random: random)
        lastOpenTime = time
        let transition = move(to: .open, because: cause)
        openUntil = now.advanced(by: time)
        return transition
    }

    private mutating func move(
        to next: CircuitBreakerState, because cause: CircuitBreakerTransition.Cause
    ) -> CircuitBreakerTransition {
        let transition = CircuitBreakerTransition(from: state, to: next, cause: cause)
        state = next
        generation += 1
        openUntil = nil
        failuresInARow = 0
        probes = Probes()
        window.clear()
        return transition
    }
}
