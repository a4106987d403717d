import Clocks
import TestSupport
import Testing

@testable import Resilience

/// Every state meets every event: what the breaker is afterwards, and what the caller is told.
struct CircuitBreakerTableTests {
    enum Event: Hashable, CaseIterable {
        /// A call wants to be made.
        case call
        /// A call admitted in this state ends.
        case success, slowSuccess, failure, neutral
        /// A call admitted before this state ends.
        case lateSuccess, lateFailure
        /// Two calls of this state fail, one after the other.
        case twoFailures
        /// A day passes, then a call wants to be made; or only the timer rings.
        case callAfterADay, timerAfterADay
        case forceOpen, trip, disable, metricsOnly, reset

        var command: CircuitBreakerCommand? {
            switch self {
            case .forceOpen: .forceOpen
            case .trip: .trip
            case .disable: .disable
            case .metricsOnly: .metricsOnly
            case .reset: .reset
            default: nil
            }
        }
    }

    enum Answer: Hashable { case admitted, rejected, taken, late, none }

    struct Line: Sendable, CustomTestStringConvertible {
        let state: CircuitBreakerState
        let event: Event
        let next: CircuitBreakerState
        let answer: Answer

        init(_ state: CircuitBreakerState, _ event: Event, _ next: CircuitBreakerState, _ answer: Answer) {
            (self.state, self.event, self.next, self.answer) = (state, event, next, answer)
        }

        var testDescription: String { "\(state), \(event)" }
    }

    private static let commands: [(Event, CircuitBreakerState)] = [
        (.forceOpen, .forcedOpen), (.trip, .open), (.disable, .disabled), (.metricsOnly, .metricsOnly),
        (.reset, .closed),
    ]

    static let table: [Line] =
        [
            // One failure and one slow call are in the window of the closed breaker; two of either open it.
            Line(.closed, .call, .closed, .admitted),
            Line(.closed, .success, .closed, .taken),
            Line(.closed, .slowSuccess, .open, .taken),
            Line(.closed, .failure, .open, .taken),
            Line(.closed, .neutral, .closed, .taken),
            Line(.closed, .lateSuccess, .closed, .late),
            Line(.closed, .lateFailure, .closed, .late),
            Line(.closed, .twoFailures, .open, .late),
            Line(.closed, .callAfterADay, .closed, .admitted),
            Line(.closed, .timerAfterADay, .closed, .none),

            Line(.open, .call, .open, .rejected),
            Line(.open, .lateSuccess, .open, .late),
            Line(.open, .lateFailure, .open, .late),
            Line(.open, .callAfterADay, .halfOpen, .admitted),
            Line(.open, .timerAfterADay, .halfOpen, .none),

            // Of three probes two must succeed; one has.
            Line(.halfOpen, .call, .halfOpen, .admitted),
            Line(.halfOpen, .success, .closed, .taken),
            Line(.halfOpen, .slowSuccess, .halfOpen, .taken),
            Line(.halfOpen, .failure, .halfOpen, .taken),
            Line(.halfOpen, .neutral, .halfOpen, .taken),
            Line(.halfOpen, .lateSuccess, .halfOpen, .late),
            Line(.halfOpen, .lateFailure, .halfOpen, .late),
            Line(.halfOpen, .twoFailures, .open, .taken),
            Line(.halfOpen, .callAfterADay, .open, .rejected),
            Line(.halfOpen, .timerAfterADay, .open, .none),

            Line(.forcedOpen, .call, .forcedOpen, .rejected),
            Line(.forcedOpen, .lateSuccess, .forcedOpen, .late),
            Line(.forcedOpen, .lateFailure, .forcedOpen, .late),
            Line(.forcedOpen, .callAfterADay, .forcedOpen, .rejected),
            Line(.forcedOpen, .timerAfterADay, .forcedOpen, .none),
        ]
        + [CircuitBreakerState.disabled, .metricsOnly].flatMap { state in
            [
                Line(state, .call, state, .admitted),
                Line(state, .success, state, .taken),
                Line(state, .slowSuccess, state, .taken),
                Line(state, .failure, state, .taken),
                Line(state, .neutral, state, .taken),
                Line(state, .lateSuccess, state, .late),
                Line(state, .lateFailure, state, .late),
                Line(state, .twoFailures, state, .taken),
                Line(state, .callAfterADay, state, .admitted),
                Line(state, .timerAfterADay, state, .none),
            ]
        }
        + CircuitBreakerState.allCases.flatMap { state in commands.map { Line(state, $0.0, $0.1, .none) } }

    /// A refusing breaker has no calls of its own under way.
    private static func isImpossible(_ state: CircuitBreakerState, _ event: Event) -> Bool {
        [.open, .forcedOpen].contains(state)
            && [.success, .slowSuccess, .failure, .neutral, .twoFailures].contains(event)
    }

    @Test("the table tells of every state and every event once")
    func complete() {
        for state in CircuitBreakerState.allCases {
            for event in Event.allCases {
                let lines = Self.table.count { $0.state == state && $0.event == event }
                #expect(lines == (Self.isImpossible(state, event) ? 0 : 1), "\(state), \(event)")
            }
        }
    }

    @Test("what every state does with every event", arguments: table)
    func line(line: Line) throws {
        var bench = try MachineBench(in: line.state)
        #expect(bench.machine.state == line.state)
        let answer = try bench.perform(line.event)
        #expect(answer == line.answer)
        #expect(bench.machine.state == line.next)
        // Whatever happened: who is let through when closed, and refused when open, is as the state says.
        guard case .admitted = bench.admit() else { return #expect(![.closed, .disabled].contains(line.next)) }
        #expect(![.open, .forcedOpen].contains(line.next))
    }
}

/// A machine brought into a state, with a call of the state before it and one of its own still under way.
private struct MachineBench {
    var machine: CircuitBreakerMachine
    private let random = SeededRandom(seed: 1)
    private var now = MonotonicInstant(nanoseconds: 0)
    private var older: CircuitBreakerMachine.Ticket?
    private var own: [CircuitBreakerMachine.Ticket] = []

    private struct Refused: Error {}

    init(in state: CircuitBreakerState) throws {
        var configuration = CircuitBreakerConfiguration()
        configuration.window = .count(4)
        configuration.minimumCalls = 3
        configuration.failureRate = 0.5
        configuration.slowCallRate = 0.5
        configuration.slowCallDuration = .seconds(1)
        configuration.openTime = .exponential(base: .seconds(5), cap: .seconds(60), jitter: 0)
        configuration.permittedProbes = 3
        configuration.probeSuccessRatio = 0.6
        configuration.maximumHalfOpenTime = .seconds(60)
        machine = CircuitBreakerMachine(configuration)
        older = try ticket()
        try begin(state)
    }

    private mutating func begin(_ state: CircuitBreakerState) throws {
        switch state {
        case .closed:
            _ = machine.obey(.reset, now: now, random: random)
            try finish(ticket(), .failure)
            try finish(ticket(), .success, lasting: .seconds(1))
        case .open:
            _ = machine.obey(.trip, now: now, random: random)
        case .halfOpen:
            _ = machine.obey(.trip, now: now, random: random)
            now = now.advanced(by: .seconds(5))
            try finish(ticket(), .success)
        case .forcedOpen: _ = machine.obey(.forceOpen, now: now, random: random)
        case .disabled: _ = machine.obey(.disable, now: now, random: random)
        case .metricsOnly: _ = machine.obey(.metricsOnly, now: now, random: random)
        }
        if state != .open, state != .forcedOpen { own = [try ticket()] }
    }

    mutating func admit() -> CircuitBreakerMachine.Decision {
        var changed: CircuitBreakerTransition?
        return machine.admit(now: now, random: random, changed: &changed)
    }

    mutating func perform(_ event: CircuitBreakerTableTests.Event) throws -> CircuitBreakerTableTests.Answer {
        switch event {
        case .call: return answer(admit())
        case .success: return try finish(own[0], .success)
        case .slowSuccess: return try finish(own[0], .success, lasting: .seconds(1))
        case .failure: return try finish(own[0], .failure)
        case .neutral: return try finish(own[0], .neutral)
        case .lateSuccess: return try finish(#require(older), .success)
        case .lateFailure: return try finish(#require(older), .failure)
        case .twoFailures:
            let second = try ticket()
            try finish(own[0], .failure)
            return try finish(second, .failure)
        case .callAfterADay:
            now = now.advanced(by: .seconds(86_400))
            return answer(admit())
        case .timerAfterADay:
            now = now.advanced(by: .seconds(86_400))
            _ = machine.advance(now: now, random: random)
            return .none
        case .forceOpen, .trip, .disable, .metricsOnly, .reset:
            _ = try machine.obey(#require(event.command), now: now, random: random)
            return .none
        }
    }

    private func answer(_ decision: CircuitBreakerMachine.Decision) -> CircuitBreakerTableTests.Answer {
        if case .admitted = decision { .admitted } else { .rejected }
    }

    private mutating func ticket() throws -> CircuitBreakerMachine.Ticket {
        guard case .admitted(let ticket) = admit() else { throw Refused() }
        return ticket
    }

    @discardableResult
    private mutating func finish(
        _ ticket: CircuitBreakerMachine.Ticket, _ outcome: CallOutcome, lasting duration: Duration = .zero
    ) throws -> CircuitBreakerTableTests.Answer {
        var changed: CircuitBreakerTransition?
        now = now.advanced(by: duration)
        let verdict = machine.finish(ticket, outcome, now: now, random: random, changed: &changed)
        return verdict == .late ? .late : .taken
    }
}
