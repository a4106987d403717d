import Clocks

/// How many orders a second may be taken, so that the orders taken before do not pile up behind them.
///
/// What is watched is the shortest time that an order of a window had to wait for the first answer of its saga: while the
/// shortest is long, everybody waits, and there is a queue that does not go away (the sign that CoDel goes by, RFC 8289).
/// While that wait is too long *and* grows, more comes in than goes out, and the rate is set below what was answered
/// lately. A wait that is long and stays as it is means somebody slow, not too much work: refusing orders would make nobody
/// faster, so the rate creeps up. While the wait is short the rate rises, quickly up to what was answered when there was too
/// much last, then by small steps; and a limit that refuses nobody is lifted.
///
/// A value type; whoever holds it brings the time.
struct AdmissionRate: Sendable {
    /// The knobs.
    struct Configuration: Hashable, Sendable {
        /// The shortest wait may be this long.
        var target: Duration
        var window = Duration.milliseconds(250)
        /// Orders a second that are always taken.
        var floor = 50.0
        /// What is left of the answered rate when more comes in than goes out: while the wait is below twice the target, and
        /// above, when there is a queue to work off.
        var (cut, deepCut) = (0.9, 0.6)
        /// Growth of a window: up to the rate that was answered at the last cut, and beyond it or while the wait is long.
        var (recovery, growth) = (1.25, 1.03)
        /// A wait grows when it is longer by more than this part of the window: orders that come in at the rate of those
        /// that go out wait as long as those before.
        var tolerance = 0.05
        /// The limit is lifted after this many windows in a row in which nobody was refused and nobody waited for long.
        var calmWindows = 8

        init(target: Duration) {
            self.target = target
        }
    }

    private let configuration: Configuration
    private var windowEnd: MonotonicInstant
    private var answered = 0
    private var shortest: Duration?
    private var previousShortest = Duration.zero
    private var refusedInWindow = false
    private var calm = 0
    /// What was answered a second when the limit was cut last.
    private var capacity = 0.0
    /// Answers a second, smoothed over about a second; nil before the first window with any.
    private var answerRate: Double?
    private var lastAnswerRate = 0.0
    /// Orders that may be taken now, at the limit's pace.
    private var tokens = 0.0
    private var filledAt: MonotonicInstant

    /// Orders a second; nil while there is no limit.
    private(set) var limit: Double?
    /// How many orders were refused.
    private(set) var refused = 0

    init(_ configuration: Configuration, now: MonotonicInstant) {
        self.configuration = configuration
        windowEnd = now.advanced(by: configuration.window)
        filledAt = now
    }

    /// Asks for an order to be taken; one that is refused costs nothing.
    mutating func admits(now: MonotonicInstant) -> Bool {
        turn(now)
        guard let limit else { return true }
        // What was not used is kept for a fifth of a window: arrivals are never quite even.
        let most = max(1, limit * (configuration.window / .seconds(5)))
        tokens = min(most, tokens + limit * (filledAt.duration(to: now) / .seconds(1)))
        filledAt = now
        if tokens >= 1 {
            tokens -= 1
            return true
        }
        refused += 1
        refusedInWindow = true
        return false
    }

    /// An order's saga got its first answer after this long, at the first asking.
    mutating func answered(after wait: Duration, now: MonotonicInstant) {
        turn(now)
        answered += 1
        shortest = min(shortest ?? wait, wait)
    }

    /// Judges the window that has ended, if it has.
    private mutating func turn(_ now: MonotonicInstant) {
        guard now >= windowEnd else { return }
        let length = configuration.window + windowEnd.duration(to: now)
        let wait = shortest
        if answered > 0 {
            let rate = Double(answered) / (length / .seconds(1))
            // A long window weighs as much as the windows it stands for.
            let weight = 1 - 1 / (1 + 0.4 * (length / configuration.window))
            answerRate = answerRate.map { $0 + (rate - $0) * weight } ?? rate
            lastAnswerRate = rate
        }
        if let wait {
            judge(wait)
            previousShortest = wait
        }
        calm = !refusedInWindow && (wait ?? .zero) <= configuration.target ? calm + 1 : 0
        if calm >= configuration.calmWindows { limit = nil }
        answered = 0
        shortest = nil
        refusedInWindow = false
        windowEnd = now.advanced(by: configuration.window)
    }

    private mutating func judge(_ wait: Duration) {
        let before = limit
        let change = wait - previousShortest
        let noise = configuration.window * configuration.tolerance
        if wait <= configuration.target {
            grow()
        } else if change > noise {
            capacity = max(answerRate ?? 0, lastAnswerRate)
            let wanted = capacity * (wait < configuration.target * 2 ? configuration.cut : configuration.deepCut)
            // Never by more than half at once: a moment's standstill is not what the machine can do.
            let new = max(configuration.floor, wanted, (before ?? 0) / 2)
            limit = min(before ?? new, new)
        } else if change > .zero - noise {
            limit = limit.map { $0 * configuration.growth }
        }
        if before == nil, limit != nil { tokens = 0 }
    }

    private mutating func grow() {
        guard let now = limit else { return }
        limit =
            now < capacity ? min(now * configuration.recovery, capacity) : now * configuration.growth
    }
}
