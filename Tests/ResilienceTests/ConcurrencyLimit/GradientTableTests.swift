import Clocks
import Testing

@testable import Resilience

/// Every phase of a gradient limit meets every event: the phase after it, and where the limit has gone.
struct GradientTableTests {
    enum Phase: Hashable, CaseIterable {
        /// Running, before and after the first window.
        case first, running
        /// Lowered for a probe: waiting for few enough calls; and then for those that queued to be gone.
        case settling, quieting
        case measuring, resuming
    }

    enum Event: Hashable, CaseIterable {
        /// A window that used a quarter of the limit, a little more than half, or all of it, at the usual latency.
        case idle, inBetween, filled
        /// Two windows of four times the latency; the first alone does not count, as a pause may have spoilt it.
        case slow, once
        /// A window with drops, with drops alone, or at a fifth of the latency.
        case dropped, droppedOnly, fast
        /// A window with a refusal, or slow ones, when the latency without queueing may be measured anew.
        case refusedLater, slowLater
        /// A call ends while many are under way, or few; or few, after the time that quiet takes.
        case endAmongMany, endAmongFew, endLater
        /// A call is refused before, and after, the time a probe may take.
        case refusal, refusalAfterProbe
    }

    enum Move: Hashable { case down, stays, up }

    struct Line: Sendable, CustomTestStringConvertible {
        let phase: Phase
        let event: Event
        let next: Phase
        let move: Move
        /// Whether the call that ended was left out of the window.
        let isDiscarded: Bool

        init(_ phase: Phase, _ event: Event, _ next: Phase, _ move: Move = .stays, discards: Bool = false) {
            (self.phase, self.event, self.next, self.move) = (phase, event, next, move)
            isDiscarded = discards
        }

        var testDescription: String { "\(phase), \(event)" }
    }

    static let table: [Line] =
        [
            // The first window says what is usual, whatever it says.
            Line(.first, .idle, .running),
            Line(.first, .inBetween, .running),
            Line(.first, .filled, .running),
            Line(.first, .slow, .running),
            Line(.first, .once, .running),
            Line(.first, .dropped, .running, .down),
            Line(.first, .droppedOnly, .first, .down),
            Line(.first, .fast, .running),
            Line(.first, .refusedLater, .running),
            Line(.first, .slowLater, .running),

            Line(.running, .idle, .running),
            Line(.running, .inBetween, .running),
            Line(.running, .filled, .running, .up),
            Line(.running, .slow, .running, .down),
            Line(.running, .once, .running),
            Line(.running, .dropped, .running, .down),
            Line(.running, .droppedOnly, .running, .down),
            Line(.running, .fast, .running),
            Line(.running, .refusedLater, .settling, .down),
            Line(.running, .slowLater, .settling, .down),

            Line(.settling, .endAmongMany, .settling, discards: true),
            Line(.settling, .endAmongFew, .quieting, discards: true),
            Line(.settling, .endLater, .quieting, discards: true),

            Line(.quieting, .endAmongMany, .quieting, discards: true),
            Line(.quieting, .endAmongFew, .quieting, discards: true),
            Line(.quieting, .endLater, .measuring, discards: true),

            // Whatever was measured, the limit goes back up; but for a queue that was still there.
            Line(.measuring, .idle, .resuming, .up),
            Line(.measuring, .inBetween, .resuming, .up),
            Line(.measuring, .filled, .resuming, .up),
            Line(.measuring, .slow, .resuming, .up),
            Line(.measuring, .once, .resuming, .up),
            Line(.measuring, .dropped, .resuming, .up),
            Line(.measuring, .droppedOnly, .running, .up),
            Line(.measuring, .fast, .settling, .down),
            Line(.measuring, .refusedLater, .resuming, .up),
            Line(.measuring, .slowLater, .resuming, .up),

            Line(.resuming, .endAmongMany, .resuming, discards: true),
            Line(.resuming, .endAmongFew, .resuming, discards: true),
            Line(.resuming, .endLater, .running, discards: true),
            Line(.resuming, .refusalAfterProbe, .resuming),
        ]
        + [Phase.first, .running, .measuring].flatMap { phase in
            [Event.endAmongMany, .endAmongFew, .endLater].map { Line(phase, $0, phase) }
        }
        + [Phase.first, .running].map { Line($0, .refusalAfterProbe, $0) }
        // Calls that hang do not hold a probe.
        + [Phase.settling, .quieting, .measuring].map { Line($0, .refusalAfterProbe, .running, .up) }
        + Phase.allCases.map { Line($0, .refusal, $0) }

    /// While all calls that end are left out, no window comes to its end.
    private static func isImpossible(_ phase: Phase, _ event: Event) -> Bool {
        let windows: [Event] = [
            .idle, .inBetween, .filled, .slow, .once, .dropped, .droppedOnly, .fast, .refusedLater, .slowLater,
        ]
        return [.settling, .quieting, .resuming].contains(phase) && windows.contains(event)
    }

    @Test("the table tells of every phase and every event once")
    func complete() {
        for phase in Phase.allCases {
            for event in Event.allCases {
                let lines = Self.table.count { $0.phase == phase && $0.event == event }
                #expect(lines == (Self.isImpossible(phase, event) ? 0 : 1), "\(phase), \(event)")
            }
        }
    }

    @Test("what every phase does with every event", arguments: table)
    func line(line: Line) {
        var bench = GradientBench(in: line.phase)
        #expect(bench.phase == line.phase)
        let before = bench.gradient.limit
        #expect(bench.perform(line.event) == line.isDiscarded)
        #expect(bench.phase == line.next)
        let after = bench.gradient.limit
        switch line.move {
        case .down: #expect(after < before)
        case .stays: #expect(after == before)
        case .up: #expect(after > before)
        }
        // Whatever happened: the limit keeps its bounds, and only a probe says that it is one.
        #expect(after >= 2 && after <= 1000)
        #expect(bench.gradient.isProbing == [.settling, .quieting, .measuring].contains(line.next))
    }
}

/// A limit of about twenty brought into a phase, for calls of ten milliseconds.
private struct GradientBench {
    var gradient: GradientLimit
    private var now = MonotonicInstant(nanoseconds: 0)

    init(in phase: GradientTableTests.Phase) {
        let configuration = ConcurrencyLimitConfiguration()
        gradient = GradientLimit(ConcurrencyLimitConfiguration.Gradient(), bounds: LimitBounds(configuration))
        guard phase != .first else { return }
        for _ in 0..<3 { _ = perform(.inBetween) }
        guard phase != .running else { return }
        _ = perform(.refusedLater)
        guard phase != .settling else { return }
        _ = perform(.endAmongFew)
        guard phase != .quieting else { return }
        _ = perform(.endLater)
        guard phase != .measuring else { return }
        _ = perform(.inBetween)
    }

    var phase: GradientTableTests.Phase {
        switch gradient.phase {
        case .running: gradient.baseline == nil ? .first : .running
        case .settling(_, nil): .settling
        case .settling(_, .some): .quieting
        case .measuring: .measuring
        case .resuming: .resuming
        }
    }

    /// Whether a call was left out.
    mutating func perform(_ event: GradientTableTests.Event) -> Bool {
        switch event {
        case .idle: window(peak: 0.25)
        case .inBetween: window()
        case .filled: window(peak: 1)
        case .slow:
            window(latency: .milliseconds(40))
            // A probe that has ended takes no second one.
            if gradient.phase == .running { window(latency: .milliseconds(40)) }
        case .once: window(latency: .milliseconds(40))
        case .dropped: window(drops: 10)
        case .droppedOnly: window(successes: 0, drops: 10)
        case .fast: window(latency: .milliseconds(2))
        case .refusedLater:
            now = now.advanced(by: .seconds(1))
            window(refusals: 1)
        case .slowLater:
            window(latency: .milliseconds(40))
            now = now.advanced(by: .seconds(1))
            if gradient.phase == .running { window(latency: .milliseconds(40)) }
        case .endAmongMany: return gradient.discards(inFlight: 30, now: now)
        case .endAmongFew: return gradient.discards(inFlight: 2, now: now)
        case .endLater:
            now = now.advanced(by: .milliseconds(20))
            return gradient.discards(inFlight: 2, now: now)
        case .refusal: gradient.giveUpProbe(now: now)
        case .refusalAfterProbe:
            now = now.advanced(by: .seconds(60))
            gradient.giveUpProbe(now: now)
        }
        return false
    }

    /// A window of a tenth of a second, in which two hundred calls are what twenty at a time can do.
    private mutating func window(
        peak share: Double = 0.6, latency: Duration = .milliseconds(10), successes: Int = 200, drops: Int = 0,
        refusals: Int = 0
    ) {
        var window = LimitWindow(beganAt: now, inFlight: 0)
        now = now.advanced(by: .milliseconds(100))
        window.admit(inFlight: Int(gradient.limit * share))
        for _ in 0..<successes { window.succeed(latency: latency) }
        for _ in 0..<drops { window.drop() }
        for _ in 0..<refusals { window.refuse() }
        gradient.update(window, now: now)
    }
}
