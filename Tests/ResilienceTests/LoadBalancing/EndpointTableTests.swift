import Clocks
import Testing

@testable import Resilience

/// Every state of an endpoint meets every event: what it is afterwards, and what the caller is told.
struct EndpointTableTests {
    enum State: Hashable, CaseIterable {
        case serving, probation, ejected
        /// Ejected, but so many are that the balancer calls all.
        case panicked
    }

    enum Event: Hashable, CaseIterable {
        /// A call wants to be made, and has tried all others.
        case call
        /// A call of this state ends.
        case success, failure, neutral
        /// So many calls of this state fail one after the other.
        case twoFailures, fourFailures
        /// A call from before the last ejection ends.
        case lateSuccess, lateFailure
        /// The time of an ejection passes, and almost passes.
        case ejectionTime, almostEjectionTime
        /// The interval ends with nothing remarkable in it, or with half of the calls failed; or two end.
        case interval, badInterval, twoIntervals
        /// The list is replaced by the same one, or by this endpoint alone.
        case sameList, aloneInList
        /// It is taken from the list, or another one gets its place; then its call ends.
        case removed, exchanged
    }

    enum Answer: Hashable { case picked, passedOver, taken, late, gone, none }

    struct Line: Sendable, CustomTestStringConvertible {
        let state: State
        let event: Event
        let next: State?
        let answer: Answer

        init(_ state: State, _ event: Event, _ next: State?, _ answer: Answer) {
            (self.state, self.event, self.next, self.answer) = (state, event, next, answer)
        }

        var testDescription: String { "\(state), \(event)" }
    }

    static let table: [Line] =
        [
            Line(.serving, .call, .serving, .picked),
            Line(.serving, .success, .serving, .taken),
            Line(.serving, .failure, .serving, .taken),
            Line(.serving, .neutral, .serving, .taken),
            Line(.serving, .twoFailures, .serving, .taken),
            Line(.serving, .fourFailures, .ejected, .taken),
            Line(.serving, .ejectionTime, .serving, .none),
            Line(.serving, .almostEjectionTime, .serving, .none),
            Line(.serving, .interval, .serving, .none),
            Line(.serving, .badInterval, .ejected, .none),
            Line(.serving, .twoIntervals, .serving, .none),
            Line(.serving, .aloneInList, .serving, .none),

            // Half the failures are enough. The slow start is longer than an interval, and ends with the second.
            Line(.probation, .call, .probation, .picked),
            Line(.probation, .success, .probation, .taken),
            Line(.probation, .failure, .probation, .taken),
            Line(.probation, .neutral, .probation, .taken),
            Line(.probation, .twoFailures, .ejected, .taken),
            Line(.probation, .fourFailures, .ejected, .late),
            Line(.probation, .ejectionTime, .serving, .none),
            Line(.probation, .almostEjectionTime, .serving, .none),
            Line(.probation, .interval, .probation, .none),
            Line(.probation, .badInterval, .ejected, .none),
            Line(.probation, .twoIntervals, .serving, .none),
            Line(.probation, .aloneInList, .probation, .none),

            Line(.ejected, .call, .ejected, .passedOver),

            // What a panic sends there changes nothing.
            Line(.panicked, .call, .panicked, .picked),
            Line(.panicked, .success, .panicked, .taken),
            Line(.panicked, .failure, .panicked, .taken),
            Line(.panicked, .neutral, .panicked, .taken),
            Line(.panicked, .twoFailures, .panicked, .taken),
            Line(.panicked, .fourFailures, .panicked, .taken),
            Line(.panicked, .badInterval, .panicked, .none),
        ]
        + [State.ejected, .panicked].flatMap { state in
            [
                Line(state, .ejectionTime, .probation, .none),
                Line(state, .almostEjectionTime, state, .none),
                Line(state, .interval, state, .none),
                Line(state, .twoIntervals, .probation, .none),
                // The only one is never left out.
                Line(state, .aloneInList, .probation, .none),
            ]
        }
        + State.allCases.flatMap { state in
            [
                Line(state, .lateSuccess, state, .late),
                Line(state, .lateFailure, state, .late),
                Line(state, .sameList, state, .none),
                Line(state, .removed, nil, .gone),
                // The new one is on probation, and learns nothing from the old one's calls.
                Line(state, .exchanged, .probation, .gone),
            ]
        }

    /// Nothing sends a call to an ejected endpoint.
    private static func isImpossible(_ state: State, _ event: Event) -> Bool {
        state == .ejected && [.success, .failure, .neutral, .twoFailures, .fourFailures, .badInterval].contains(event)
    }

    @Test("the table tells of every state and every event once")
    func complete() {
        for state in State.allCases {
            for event in Event.allCases {
                let lines = Self.table.count { $0.state == state && $0.event == event }
                #expect(lines == (Self.isImpossible(state, event) ? 0 : 1), "\(state), \(event)")
            }
        }
    }

    @Test("what every state does with every event", arguments: table)
    func line(line: Line) throws {
        var bench = try EndpointBench(in: line.state)
        #expect(bench.state == line.state)
        #expect(try bench.perform(line.event) == line.answer)
        #expect(bench.state == line.next)
        // Whatever happened: who is counted as left out is left out, and gets calls only in a panic.
        let hosts = bench.machine.hosts
        #expect(bench.machine.ejectedCount == hosts.count { $0.isEjected })
        #expect(hosts.allSatisfy { $0.inFlight >= 0 })
        guard let next = line.next else { return }
        #expect(bench.isPicked == (next != .ejected))
    }
}

/// The first of four endpoints brought into a state, with a call from before an ejection and one of now under way.
private struct EndpointBench {
    var machine: LoadBalancerMachine
    private let random = SeededRandom(seed: 1)
    private var now = MonotonicInstant(nanoseconds: 0)
    private var changes: [LoadBalancerMachine.Change] = []
    private var older: LoadBalancerMachine.Ticket?
    private var own: LoadBalancerMachine.Ticket?
    private var isGone = false
    private var judgement = MonotonicInstant(nanoseconds: 0)

    private static let interval = Duration.seconds(30)
    private static let ejectionTime = Duration.seconds(50)

    init(in state: EndpointTableTests.State) throws {
        var configuration = LoadBalancerConfiguration()
        configuration.consecutiveFailures = 4
        configuration.interval = Self.interval
        configuration.minimumCalls = 4
        configuration.failureRate = 0.5
        configuration.deviations = nil
        configuration.ejectionTime = .exponential(
            base: Self.ejectionTime, factor: 1, cap: Self.ejectionTime, jitter: 0)
        configuration.maximumEjectedShare = 0.5
        configuration.panicShare = state == .panicked ? 1 : 0.5
        configuration.slowStart = .seconds(40)
        try #require(configuration.faults.isEmpty)
        machine = LoadBalancerMachine(configuration, count: 4, seed: 1, now: now)
        older = try ticket()
        for _ in 0..<4 { try finish(ticket(), .failure) }
        switch state {
        case .ejected, .panicked: judgement = MonotonicInstant(nanoseconds: 0).advanced(by: Self.interval)
        case .probation: wait(Self.ejectionTime)
        case .serving:
            wait(Self.ejectionTime)
            wait(Self.interval)
            wait(Self.interval)
        }
        if state != .ejected { own = try ticket() }
    }

    var state: EndpointTableTests.State? {
        guard !isGone else { return nil }
        return switch machine.hosts[0].state {
        case .serving: .serving
        case .probation: .probation
        case .ejected: machine.isPanicking ? .panicked : .ejected
        }
    }

    /// Whether a call that has tried all others gets this one.
    var isPicked: Bool {
        mutating get { pick()?.index == 0 }
    }

    private mutating func pick() -> LoadBalancerMachine.Ticket? {
        machine.pick(
            excluding: Array(machine.hosts.indices.dropFirst()), now: now, jitter: random, changes: &changes)
    }

    private mutating func ticket() throws -> LoadBalancerMachine.Ticket {
        let ticket = try #require(pick())
        try #require(ticket.index == 0)
        return ticket
    }

    @discardableResult
    private mutating func finish(
        _ ticket: LoadBalancerMachine.Ticket, _ outcome: CallOutcome
    ) -> EndpointTableTests.Answer {
        switch machine.finish(ticket, outcome, now: now, jitter: random, changes: &changes) {
        case .taken: .taken
        case .late: .late
        case .gone: .gone
        }
    }

    /// Another endpoint is called when the time has passed, which is when the machine sees that it has.
    private mutating func wait(_ duration: Duration) {
        now = now.advanced(by: duration)
        if judgement <= now { judgement = now.advanced(by: Self.interval) }
        guard let ticket = machine.pick(excluding: [0], now: now, jitter: random, changes: &changes) else { return }
        _ = machine.finish(ticket, .success, now: now, jitter: random, changes: &changes)
    }

    private mutating func failures(_ count: Int) throws -> EndpointTableTests.Answer {
        var tickets = [try #require(own)]
        while tickets.count < count { tickets.append(try ticket()) }
        var last = EndpointTableTests.Answer.none
        for ticket in tickets { last = finish(ticket, .failure) }
        return last
    }

    mutating func perform(_ event: EndpointTableTests.Event) throws -> EndpointTableTests.Answer {
        switch event {
        case .call: return isPicked ? .picked : .passedOver
        case .success: return finish(try #require(own), .success)
        case .failure: return finish(try #require(own), .failure)
        case .neutral: return finish(try #require(own), .neutral)
        case .twoFailures: return try failures(2)
        case .fourFailures: return try failures(4)
        case .lateSuccess: return finish(try #require(older), .success)
        case .lateFailure: return finish(try #require(older), .failure)
        case .ejectionTime: wait(Self.ejectionTime)
        case .almostEjectionTime: wait(Self.ejectionTime - .nanoseconds(1))
        case .interval: wait(now.duration(to: judgement))
        case .badInterval:
            for outcome in [CallOutcome.failure, .success, .failure, .success] { finish(try ticket(), outcome) }
            wait(now.duration(to: judgement))
        case .twoIntervals:
            wait(now.duration(to: judgement))
            wait(Self.interval)
        case .sameList: machine.replace([0, 1, 2, 3], now: now, changes: &changes)
        case .aloneInList: machine.replace([0], now: now, changes: &changes)
        case .removed:
            machine.replace([1, 2, 3], now: now, changes: &changes)
            isGone = true
            return finish(try #require(own ?? older), .failure)
        case .exchanged:
            machine.replace([nil, 1, 2, 3], now: now, changes: &changes)
            return finish(try #require(own ?? older), .failure)
        }
        return .none
    }
}
