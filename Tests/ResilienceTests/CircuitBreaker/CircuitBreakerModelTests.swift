import Clocks
import Testing

@testable import Resilience

/// A breaker that keeps everything it was told and works out every answer anew.
private struct NaiveBreaker {
    struct Call {
        var outcome: CallOutcome
        var isSlow: Bool
        var at: MonotonicInstant
    }

    let configuration: CircuitBreakerConfiguration
    var state = CircuitBreakerState.closed
    var generation: UInt64 = 0
    var calls: [Call] = []
    var probesOut: [MonotonicInstant] = []
    var openUntil: MonotonicInstant?
    var openings = 0
    var lastProbe = MonotonicInstant(nanoseconds: 0)

    mutating func admit(now: MonotonicInstant) -> Bool {
        if state == .open, let openUntil, openUntil <= now { become(.halfOpen) }
        if state == .halfOpen, !probesOut.isEmpty, !hasSlot,
            lastProbe.duration(to: now) >= configuration.maximumHalfOpenWait
        {
            open(now: now)
        }
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
        generation: UInt64, startedAt: MonotonicInstant, _ outcome: CallOutcome, now: MonotonicInstant
    ) {
        guard generation == self.generation else { return }
        if state == .halfOpen, let index = probesOut.firstIndex(of: startedAt) {
            probesOut.remove(at: index)
        }
        guard outcome != .neutral, state != .disabled else { return }
        let isSlow = startedAt.duration(to: now) >= configuration.slowCallDuration
        calls.append(Call(outcome: outcome, isSlow: isSlow, at: now))
        if state == .closed, shouldOpen(now: now) { open(now: now) }
        if state == .halfOpen { judge(now: now) }
    }

    mutating func become(_ next: CircuitBreakerState) {
        if next != .open, next != .halfOpen { openings = 0 }
        state = next
        generation += 1
        calls = []
        probesOut = []
        openUntil = nil
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
        let good = calls.count { $0.outcome == .success && !($0.isSlow && configuration.slowCallRate != nil) }
        let needed = Int((Double(configuration.permittedProbes) * configuration.probeSuccessRatio).rounded(.up))
        if good >= needed {
            become(.closed)
        } else if configuration.permittedProbes - (calls.count - good) < needed {
            open(now: now)
        }
    }
}

struct CircuitBreakerModelTests {
    @Test("it agrees with a breaker that works everything out anew", arguments: 0..<8)
    func model(group: Int) {
        for number in 0..<60 {
            let seed = UInt64(group * 60 + number)
            #expect(Self.agrees(seed: seed), "seed \(seed)")
        }
    }

    private static func agrees(seed: UInt64) -> Bool {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var configuration = CircuitBreakerConfiguration()
        configuration.window = pick(2) == 0 ? .count(4 + pick(8)) : .time(.seconds(1 + pick(10)), buckets: 1 + pick(5))
        configuration.minimumCalls = 1 + pick(4)
        configuration.failureRate = [nil, 0.25, 0.5, 1][pick(4)]
        configuration.slowCallRate = [nil, 0.5, 1][pick(3)]
        configuration.slowCallDuration = .seconds(1)
        configuration.consecutiveFailures = [nil, 1, 3][pick(3)]
        configuration.openTime = .exponential(base: .seconds(5), factor: 2, cap: .seconds(60), jitter: 0)
        configuration.permittedProbes = 1 + pick(4)
        configuration.probeSuccessRatio = [0.25, 0.5, 1][pick(3)]
        configuration.maximumHalfOpenWait = .seconds(10)

        var machine = CircuitBreakerMachine(configuration)
        var naive = NaiveBreaker(configuration: configuration)
        var tickets: [CircuitBreakerMachine.Ticket] = []
        var now = MonotonicInstant(nanoseconds: 1_000_000_000)
        for _ in 0..<400 {
            // A tick of its own for each input, so that no two probes begin at the same moment.
            now = now.advanced(by: .nanoseconds(1) + [.zero, .milliseconds(300), .seconds(2), .seconds(20)][pick(4)])
            var changed: CircuitBreakerTransition?
            let input = pick(20)
            if input < 9 {
                let decision = machine.admit(now: now, random: random, changed: &changed)
                if case .admitted(let ticket) = decision { tickets.append(ticket) }
                var isAdmitted = false
                if case .admitted = decision { isAdmitted = true }
                guard isAdmitted == naive.admit(now: now) else { return false }
            } else if input < 19, !tickets.isEmpty {
                let ticket = tickets.remove(at: pick(tickets.count))
                let outcome = CallOutcome.allCases[pick(3)]
                _ = machine.finish(ticket, outcome, now: now, random: random, changed: &changed)
                naive.finish(generation: ticket.generation, startedAt: ticket.startedAt, outcome, now: now)
            } else if pick(5) == 0 {
                let state: CircuitBreakerState = [.closed, .disabled, .metricsOnly, .forcedOpen][pick(4)]
                _ = machine.force(state)
                naive.become(state)
            }
            guard machine.state == naive.state, machine.generation == naive.generation,
                machine.openUntil == naive.openUntil
            else { return false }
            guard naive.state == .closed || naive.state == .metricsOnly else { continue }
            let snapshot = machine.snapshot(name: "b", now: now)
            let window = naive.window(now: now)
            guard snapshot.calls == window.count,
                snapshot.failures == window.count(where: { $0.outcome == .failure }),
                snapshot.slowCalls == window.count(where: \.isSlow)
            else { return false }
        }
        return true
    }
}
