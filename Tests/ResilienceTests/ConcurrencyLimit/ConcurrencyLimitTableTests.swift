import Clocks
import Testing

@testable import Resilience

/// Who is admitted at which number of calls under way, and what additive increase does with which window.
struct ConcurrencyLimitTableTests {
    struct Admission: Sendable, CustomTestStringConvertible {
        let limit: Int
        let inFlight: Int
        let admitted: Set<CallPriority>

        init(_ limit: Int, _ inFlight: Int, _ admitted: Set<CallPriority>) {
            (self.limit, self.inFlight, self.admitted) = (limit, inFlight, admitted)
        }

        var testDescription: String { "\(inFlight) of \(limit)" }
    }

    /// Normal calls may use 0.9 of the limit and background calls 0.7, rounded down, but one at least.
    static let admissions: [Admission] = [
        Admission(10, 0, [.background, .normal, .critical]),
        Admission(10, 6, [.background, .normal, .critical]),
        Admission(10, 7, [.normal, .critical]),
        Admission(10, 8, [.normal, .critical]),
        Admission(10, 9, [.critical]),
        Admission(10, 10, []),
        Admission(3, 0, [.background, .normal, .critical]),
        Admission(3, 1, [.background, .normal, .critical]),
        Admission(3, 2, [.critical]),
        Admission(3, 3, []),
        Admission(2, 0, [.background, .normal, .critical]),
        Admission(2, 1, [.critical]),
        Admission(2, 2, []),
        Admission(1, 0, [.background, .normal, .critical]),
        Admission(1, 1, []),
    ]

    @Test("who is admitted", arguments: admissions, CallPriority.allCases)
    func admission(admission: Admission, priority: CallPriority) {
        let now = MonotonicInstant(nanoseconds: 0)
        var configuration = ConcurrencyLimitConfiguration()
        configuration.initialLimit = admission.limit
        configuration.minimumLimit = 1
        var machine = ConcurrencyLimitMachine(configuration, now: now)
        for _ in 0..<admission.inFlight { _ = machine.admit(.critical, now: now) }
        #expect(machine.inFlight == admission.inFlight)
        let isAdmitted = admission.admitted.contains(priority)
        let answer = machine.admit(priority, now: now)
        #expect(answer == isAdmitted)
        #expect(machine.inFlight == admission.inFlight + (isAdmitted ? 1 : 0))
        #expect(machine.refused[priority] == (isAdmitted ? 0 : 1))
        // Refused or not: when all have ended, everybody is admitted again.
        for _ in 0..<machine.inFlight { _ = machine.finish(.neutral, startedAt: now, now: now) }
        let afterwards = machine.admit(priority, now: now)
        #expect(afterwards)
    }

    @Test("a call ends once")
    func fatal() async {
        await #expect(processExitsWith: .failure) {
            let now = MonotonicInstant(nanoseconds: 0)
            var machine = ConcurrencyLimitMachine(ConcurrencyLimitConfiguration(), now: now)
            _ = machine.finish(.success, startedAt: now, now: now)
        }
    }

    /// What a window of many rounds of calls says.
    enum Window: Hashable, CaseIterable {
        case idle, inBetween, filled, refused
        case slow, slowAndFilled, dropped, droppedAndFilled, droppedOnly, aFewDropped

        func observed(limit: Int) -> LimitWindow {
            var window = LimitWindow(beganAt: MonotonicInstant(nanoseconds: 0), inFlight: 0)
            let isFilled = [.filled, .slowAndFilled, .droppedAndFilled, .aFewDropped].contains(self)
            let peak = self == .idle ? limit / 4 : isFilled ? limit : limit * 5 / 8
            window.admit(inFlight: peak)
            let isSlow = [.slow, .slowAndFilled].contains(self)
            if self != .droppedOnly {
                for _ in 0..<400 { window.succeed(latency: .milliseconds(isSlow ? 100 : 99)) }
            }
            switch self {
            case .dropped, .droppedAndFilled, .droppedOnly: for _ in 0..<8 { window.drop() }
            case .aFewDropped: for _ in 0..<4 { window.drop() }
            case .refused: window.refuse()
            case .idle, .inBetween, .filled, .slow, .slowAndFilled: break
            }
            return window
        }
    }

    enum Place: Hashable, CaseIterable { case minimum, initial, grown, maximum }

    enum Move: Hashable { case down, stays, up, back }

    /// One row for each window, with a column for each place of the limit in the order of their names above.
    private static let moves: [Window: [Move]] = [
        // What nobody needs goes back to where it began, and not below.
        .idle: [.stays, .stays, .back, .back],
        .inBetween: [.stays, .stays, .stays, .stays],
        .filled: [.up, .up, .up, .stays],
        .refused: [.up, .up, .up, .stays],
        .slow: [.stays, .down, .down, .down],
        .slowAndFilled: [.stays, .down, .down, .down],
        .dropped: [.stays, .down, .down, .down],
        .droppedAndFilled: [.stays, .down, .down, .down],
        .droppedOnly: [.stays, .down, .down, .down],
        // Less than one in a hundred is overlooked.
        .aFewDropped: [.up, .up, .up, .stays],
    ]

    @Test("what additive increase does with every window, at every place of the limit", arguments: Window.allCases)
    func additiveIncrease(window: Window) throws {
        let moves = try #require(Self.moves[window])
        #expect(moves.count == Place.allCases.count)
        for (place, move) in zip(Place.allCases, moves) {
            var limit = Self.limit(at: place)
            let before = limit.limit
            limit.update(window.observed(limit: Int(before)))
            switch move {
            case .down: #expect(limit.limit == before * 0.5, "\(place)")
            case .stays: #expect(limit.limit == before, "\(place)")
            case .up: #expect(limit.limit == min(64, before + max(1, before / 10)), "\(place)")
            case .back: #expect(limit.limit == before * 0.99, "\(place)")
            }
        }
    }

    private static func limit(at place: Place) -> AdditiveIncreaseLimit {
        var settings = ConcurrencyLimitConfiguration.AdditiveIncrease(latencyLimit: .milliseconds(100))
        settings.backoff = 0.5
        var configuration = ConcurrencyLimitConfiguration()
        configuration.minimumLimit = 4
        configuration.maximumLimit = 64
        configuration.initialLimit = 8
        var limit = AdditiveIncreaseLimit(settings, bounds: LimitBounds(configuration))
        func grow(to target: Double) {
            while limit.limit < target { limit.update(Window.filled.observed(limit: Int(limit.limit))) }
        }
        switch place {
        case .minimum: limit.update(Window.slow.observed(limit: 8))
        case .initial: break
        case .grown: grow(to: 32)
        case .maximum: grow(to: 64)
        }
        return limit
    }
}
