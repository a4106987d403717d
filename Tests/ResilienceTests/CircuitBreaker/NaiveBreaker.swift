import Clocks
import Resilience

/// A breaker that keeps everything it was told and works out every answer anew.
struct NaiveBreaker {
    struct Call {
        var outcome: CallOutcome
        var isSlow: Bool
        var at: MonotonicInstant
    }

    let configuration: CircuitBreakerConfiguration
    var state = CircuitBreakerState.closed
    var generation: UInt32 = 0
    var calls: [Call] = []
    var probesOut: [MonotonicInstant] = []
    var openUntil: MonotonicInstant?
    var halfOpenSince: MonotonicInstant?
    var openings = 0
    /// Whether the last result came too late.
    var isLate = false
    var lastProbe = MonotonicInstant(nanoseconds: 0)

    /// What happens though nobody calls.
    mutating func pass(now: MonotonicInstant) {
        if state == .open, let openUntil, openUntil <= now {
            become(.halfOpen)
            halfOpenSince = now
        }
        passHalfOpen(now: now)
    }

    private mutating func passHalfOpen(now: MonotonicInstant) {
        guard state == .halfOpen else { return }
        if let halfOpenSince, let limit = configuration.maximumHalfOpenTime, halfOpenSince.duration(to: now) >= limit {
            if configuration.halfOpenEnd == .open { open(now: now) } else { become(.closed) }
        } else if !probesOut.isEmpty, !hasSlot, lastProbe.duration(to: now) >= configuration.maximumHalfOpenWait {
            open(now: now)
        }
    }

    mutating func admit(now: MonotonicInstant) -> Bool {
        pass(now: now)
        switch state {
        case .closed, .disabled, .metricsOnly: return true
        case .open, .forcedOpen: return false
        case .halfOpen:
            guard hasSlot else { return false }
            probesOut.append(now)
            lastProbe = now
            return true
        }
    }

    mutating func finish(
        generation: UInt32, startedAt: MonotonicInstant, _ outcome: CallOutcome, now: MonotonicInstant
    ) {
        passHalfOpen(now: now)
        isLate = generation != self.generation
        guard !isLate else { return }
        if state == .halfOpen, let index = probesOut.firstIndex(of: startedAt) {
            probesOut.remove(at: index)
        }
        guard outcome != .neutral, state != .disabled else { return }
        let isSlow =
            configuration.slowCallRate != nil && startedAt.duration(to: now) >= configuration.slowCallDuration
        calls.append(Call(outcome: outcome, isSlow: isSlow, at: now))
        if state == .closed, shouldOpen(now: now) { open(now: now) }
        if state == .halfOpen { judge(now: now) }
    }

    mutating func obey(_ command: CircuitBreakerCommand, now: MonotonicInstant) {
        openings = 0
        switch command {
        case .reset: become(.closed)
        case .disable: become(.disabled)
        case .metricsOnly: become(.metricsOnly)
        case .forceOpen: become(.forcedOpen)
        case .trip: open(now: now)
        }
    }

    private mutating func become(_ next: CircuitBreakerState) {
        if next != .open, next != .halfOpen { openings = 0 }
        state = next
        generation += 1
        calls = []
        probesOut = []
        openUntil = nil
        halfOpenSince = nil
    }

    private var hasSlot: Bool { probesOut.count + calls.count < configuration.permittedProbes }

    private mutating func open(now: MonotonicInstant) {
        become(.open)
        openings += 1
        let seconds = min(5 * (1 << min(openings - 1, 10)), 60)
        openUntil = now.advanced(by: .seconds(seconds))
    }

    func window(now: MonotonicInstant) -> [Call] {
        switch configuration.window {
        case .count(let count):
            return calls.suffix(count)
        case .time(let span, let buckets):
            let length = span.wholeNanoseconds / Int64(buckets)
            let oldest = now.nanoseconds / length - Int64(buckets) + 1
            return calls.filter { $0.at.nanoseconds / length >= oldest }
        }
    }

    private func shouldOpen(now: MonotonicInstant) -> Bool {
        if let limit = configuration.consecutiveFailures, calls.count >= limit,
            calls.suffix(limit).allSatisfy({ $0.outcome == .failure })
        {
            return true
        }
        let window = window(now: now)
        guard window.count >= configuration.minimumCalls else { return false }
        let failed = Double(window.count { $0.outcome == .failure }) / Double(window.count)
        let slow = Double(window.count { $0.isSlow }) / Double(window.count)
        return configuration.failureRate.map { failed >= $0 } ?? false
            || configuration.slowCallRate.map { slow >= $0 } ?? false
    }

    private mutating func judge(now: MonotonicInstant) {
        let good = calls.count { $0.outcome == .success && !$0.isSlow }
        let permitted = Double(configuration.permittedProbes)
        let needed = (1...configuration.permittedProbes).first {
            Double($0) / permitted >= configuration.probeSuccessRatio
        }
        guard let needed else { return }
        if good >= needed {
            become(.closed)
        } else if configuration.permittedProbes - (calls.count - good) < needed {
            open(now: now)
        }
    }
}
