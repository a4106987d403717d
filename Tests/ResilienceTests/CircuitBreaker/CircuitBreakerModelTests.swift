import Clocks
import Testing

@testable import Resilience

struct CircuitBreakerModelTests {
    @Test("it agrees with a breaker that works everything out anew", arguments: replayable(0..<480))
    func model(seed: UInt64) {
        #expect(Self.agrees(seed: seed), "seed \(seed)")
    }

    private static func agrees(seed: UInt64) -> Bool {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let configuration = CircuitBreakerConfiguration.drawn(random)
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
                let command = CircuitBreakerCommand.allCases[pick(5)]
                _ = machine.obey(command, now: now, random: random)
                naive.obey(command, now: now)
            } else {
                // The timer rings, whether or not something is due.
                _ = machine.advance(now: now, random: random)
                naive.pass(now: now)
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
