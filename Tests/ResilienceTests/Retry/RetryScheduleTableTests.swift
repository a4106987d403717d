import Clocks
import Resilience
import Testing

/// Every state of a retried call meets every way its attempt can fail: when the next one is made, or why none is.
///
/// Of three attempts the delays are one and two seconds; a server may ask for five seconds at most, the attempts may take
/// twenty seconds in all, and the caller's deadline is further off.
struct RetryScheduleTableTests {
    enum State: Hashable, CaseIterable {
        case fresh, afterOne, attemptsUsed
        /// The deadline is where the own delay would end, or just behind it.
        case deadlineNear, deadlineJustBehind
        /// The total time ends where the own delay does, or just before.
        case totalTimeJustEnough, totalTimeUsed
        /// Both are over.
        case bothUsed
    }

    enum Event: Hashable, CaseIterable {
        /// The attempt fails, and the server names no time.
        case failure
        /// It names none at all, less than the own delay, more, as much as is allowed, or just more than that.
        case atOnce, sooner, later, latest, tooLate

        var retryAfter: Duration? {
            switch self {
            case .failure: nil
            case .atOnce: .zero
            case .sooner: .milliseconds(500)
            case .later: .seconds(4)
            case .latest: .seconds(5)
            case .tooLate: .seconds(5) + .nanoseconds(1)
            }
        }
    }

    struct Line: Sendable, CustomTestStringConvertible {
        let state: State
        let event: Event
        let decision: RetrySchedule.Decision

        var testDescription: String { "\(state), \(event)" }
    }

    /// One row for each state, with a column for each event in the order of their names above.
    private static let rows: [State: [RetrySchedule.Decision]] = [
        .fresh: own(1) + [after(4), after(5), .stop(.retryAfterTooLong)],
        .afterOne: own(2) + [after(4), after(5), .stop(.retryAfterTooLong)],
        .attemptsUsed: Array(repeating: .stop(.attemptsUsed), count: 6),
        .deadlineNear: never(.deadlineTooNear),
        .deadlineJustBehind: own(1) + [.stop(.deadlineTooNear), .stop(.deadlineTooNear), .stop(.retryAfterTooLong)],
        .totalTimeJustEnough: own(1) + [.stop(.totalTimeUsed), .stop(.totalTimeUsed), .stop(.retryAfterTooLong)],
        .totalTimeUsed: never(.totalTimeUsed),
        // The caller's limit is told rather than the policy's own.
        .bothUsed: never(.deadlineTooNear),
    ]

    private static func after(_ seconds: Int) -> RetrySchedule.Decision { .retry(after: .seconds(seconds)) }

    /// What a server says does not shorten the own delay.
    private static func own(_ seconds: Int) -> [RetrySchedule.Decision] {
        [after(seconds), after(seconds), after(seconds)]
    }

    private static func never(_ reason: RetryStop) -> [RetrySchedule.Decision] {
        Array(repeating: .stop(reason), count: 5) + [.stop(.retryAfterTooLong)]
    }

    static let table: [Line] = State.allCases.flatMap { state in
        zip(Event.allCases, rows[state] ?? []).map { Line(state: state, event: $0, decision: $1) }
    }

    @Test("the table tells of every state and every event")
    func complete() {
        for state in State.allCases { #expect(Self.rows[state]?.count == Event.allCases.count, "\(state)") }
    }

    @Test("what every state does with every event", arguments: table)
    func line(line: Line) throws {
        var bench = Bench(in: line.state)
        let attempt = bench.schedule.attempt
        #expect(bench.next(line.event) == line.decision)
        switch line.decision {
        case .retry(let delay):
            #expect(bench.schedule.attempt == attempt + 1)
            #expect(bench.schedule.mayBegin(now: bench.now.advanced(by: delay)))
        case .stop(let reason):
            #expect(bench.schedule.attempt == attempt)
            // Nothing has changed: asked again, it says the same.
            #expect(bench.next(line.event) == .stop(reason))
        }
        // Sleeping may have taken longer than it should.
        #expect(bench.schedule.mayBegin(now: bench.deadline.advanced(by: .nanoseconds(-1))))
        #expect(!bench.schedule.mayBegin(now: bench.deadline))
    }

    /// A call brought into a state, its attempt under way.
    private struct Bench {
        /// Draws nothing, so that a named time is kept to the nanosecond.
        private struct Zero: RandomSource {
            func next() -> UInt64 { 0 }
        }

        var schedule: RetrySchedule
        var now = MonotonicInstant(nanoseconds: 0)
        let deadline: MonotonicInstant

        init(in state: State) {
            let start = MonotonicInstant(nanoseconds: 0)
            var policy = RetryPolicy()
            policy.maximumAttempts = 3
            policy.backoff = .exponential(base: .seconds(1), factor: 2, cap: .seconds(10), jitter: 0)
            policy.totalTime = .seconds(20)
            policy.maximumRetryAfter = .seconds(5)
            deadline =
                switch state {
                case .deadlineNear: start.advanced(by: .seconds(1))
                case .deadlineJustBehind: start.advanced(by: .seconds(1) + .nanoseconds(1))
                case .bothUsed: start.advanced(by: .seconds(20))
                default: start.advanced(by: .seconds(30))
                }
            schedule = RetrySchedule(policy, startedAt: start, deadline: deadline)
            switch state {
            case .fresh, .deadlineNear, .deadlineJustBehind: break
            case .afterOne: _ = next(.failure)
            case .attemptsUsed:
                _ = next(.failure)
                _ = next(.failure)
            case .totalTimeJustEnough: now = start.advanced(by: .seconds(19))
            case .totalTimeUsed, .bothUsed: now = start.advanced(by: .seconds(19) + .nanoseconds(1))
            }
        }

        mutating func next(_ event: Event) -> RetrySchedule.Decision {
            schedule.next(retryAfter: event.retryAfter, now: now, random: Zero())
        }
    }
}
