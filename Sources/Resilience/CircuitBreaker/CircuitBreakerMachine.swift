import Clocks

/// What an admitted call brings back.
@usableFromInline
struct CircuitBreakerTicket: Hashable, Sendable {
    var generation: UInt32 = 0
    var state = CircuitBreakerState.closed
    /// Means something only where calls are timed.
    var startedAt = MonotonicInstant(nanoseconds: 0)

    @usableFromInline
    init() {}

    init(generation: UInt32, state: CircuitBreakerState, startedAt: MonotonicInstant) {
        self.generation = generation
        self.state = state
        self.startedAt = startedAt
    }
}

/// The breaker's decisions, without clock, lock or randomness of its own.
///
/// Every change of state begins a new generation. A call belongs to the generation that admitted it, and its result
/// means something to that one only. What time brings about comes before whatever else happens at the same moment.
struct CircuitBreakerMachine: Sendable {
    /// What a caller is told.
    enum Decision: Hashable {
        case admitted(Ticket)
        case rejected(CircuitBreakerState, retryAfter: Duration?)
    }

    typealias Ticket = CircuitBreakerTicket

    /// What became of a result.
    enum Verdict: Hashable {
        case taken
        case late
    }

    /// The probes of one half-open period. Never more than the permitted number are out and judged together.
    struct Probes {
        var out = 0
        var succeeded = 0
        var failed = 0
        var lastAdmission = MonotonicInstant(nanoseconds: 0)

        var used: Int { out + succeeded + failed }
    }

    let configuration: CircuitBreakerConfiguration
    private let neededProbes: Int
    private(set) var state = CircuitBreakerState.closed
    private(set) var generation: UInt32 = 0
    var counts = CircuitBreakerCounts()
    /// Set exactly while the state is `open`.
    private(set) var openUntil: MonotonicInstant?
    /// Set exactly while the state is `halfOpen` and its time is limited.
    private(set) var halfOpenUntil: MonotonicInstant?
    var window: CallWindow
    var failuresInARow = 0
    /// How often it has opened without having closed since.
    private(set) var openings = 0
    private(set) var probes = Probes()
    private var lastOpenTime: Duration?

    init(_ configuration: CircuitBreakerConfiguration) {
        self.configuration = configuration
        neededProbes = configuration.neededProbes
        window = CallWindow(configuration.window)
    }

    mutating func admit(
        now: MonotonicInstant, random: any RandomSource, changed: inout CircuitBreakerTransition?
    ) -> Decision {
        changed = advance(now: now, random: random)
        switch state {
        case .closed, .disabled, .metricsOnly:
            break
        case .halfOpen where probes.used < configuration.permittedProbes:
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
        if state == .halfOpen { changed = advance(now: now, random: random) }
        guard ticket.generation == generation else {
            counts.add(.late, in: ticket.state)
            return .late
        }
        let isSlow = isSlow(ticket, now: now)
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

    /// Whether the call took long where that matters.
    func isSlow(_ ticket: Ticket, now: MonotonicInstant) -> Bool {
        configuration.slowCallRate != nil && configuration.slowCallDuration <= ticket.startedAt.duration(to: now)
    }

    /// Does what an operator wants, in every state; also when it changes nothing a new generation begins.
    mutating func obey(
        _ command: CircuitBreakerCommand, now: MonotonicInstant, random: any RandomSource
    ) -> CircuitBreakerTransition {
        openings = 0
        lastOpenTime = nil
        switch command {
        case .forceOpen: return move(to: .forcedOpen, because: .operatorRequest)
        case .trip: return open(because: .operatorRequest, now: now, random: random)
        case .disable: return move(to: .disabled, because: .operatorRequest)
        case .metricsOnly: return move(to: .metricsOnly, because: .operatorRequest)
        case .reset: return move(to: .closed, because: .operatorRequest)
        }
    }
}

// MARK: Time

extension CircuitBreakerMachine {
    /// When time alone changes the state next; nil when it does not.
    var nextDue: MonotonicInstant? {
        switch state {
        case .open: openUntil
        case .halfOpen: [halfOpenUntil, probesLostAt].compactMap(\.self).min()
        case .closed, .forcedOpen, .disabled, .metricsOnly: nil
        }
    }

    /// Does what time alone brings about: nothing before ``nextDue``.
    mutating func advance(now: MonotonicInstant, random: any RandomSource) -> CircuitBreakerTransition? {
        guard let due = nextDue, due <= now else { return nil }
        if state == .open {
            let transition = move(to: .halfOpen, because: .openTimeOver)
            halfOpenUntil = configuration.maximumHalfOpenTime.map { now.advanced(by: $0) }
            return transition
        }
        guard let halfOpenUntil, halfOpenUntil <= now else {
            return open(because: .probesLost, now: now, random: random)
        }
        return switch configuration.halfOpenEnd {
        case .open: open(because: .halfOpenTimeOver, now: now, random: random)
        case .closed: close(because: .halfOpenTimeOver)
        }
    }

    /// When those probes count as lost that have not come back; nil while others may still go out.
    private var probesLostAt: MonotonicInstant? {
        guard probes.out > 0, probes.used >= configuration.permittedProbes else { return nil }
        return probes.lastAdmission.advanced(by: configuration.maximumHalfOpenWait)
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
        // Shares are compared after a division: `0.1 × 30` is more than 3.
        let calls = Double(totals.calls)
        if let rate = configuration.failureRate, Double(totals.failures) / calls >= rate { return .failureRate }
        if let rate = configuration.slowCallRate, Double(totals.slow) / calls >= rate { return .slowCallRate }
        return nil
    }

    private mutating func judgeProbe(
        _ outcome: CallOutcome, isSlow: Bool, now: MonotonicInstant, random: any RandomSource
    ) -> CircuitBreakerTransition? {
        probes.out -= 1
        switch outcome {
        case .neutral: return nil
        case .success where !isSlow: probes.succeeded += 1
        case .success, .failure: probes.failed += 1
        }
        if probes.succeeded >= neededProbes { return close(because: .probesSucceeded) }
        if configuration.permittedProbes - probes.failed < neededProbes {
            return open(because: .probesFailed, now: now, random: random)
        }
        return nil
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

    private mutating func close(because cause: CircuitBreakerTransition.Cause) -> CircuitBreakerTransition {
        openings = 0
        lastOpenTime = nil
        return move(to: .closed, because: cause)
    }

    private mutating func move(
        to next: CircuitBreakerState, because cause: CircuitBreakerTransition.Cause
    ) -> CircuitBreakerTransition {
        let transition = CircuitBreakerTransition(from: state, to: next, cause: cause)
        state = next
        generation &+= 1
        openUntil = nil
        halfOpenUntil = nil
        failuresInARow = 0
        probes = Probes()
        window.clear()
        return transition
    }
}
