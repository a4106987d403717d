import Clocks
import Synchronization

/// What became of every order of a run: placed, accepted, at its outcome. Events may come before the answer that tells the
/// order's id.
final class LoadLedger: Sendable {
    /// One second of a run.
    struct Second: Sendable, Equatable {
        var placed = 0
        var accepted = 0
        var refused = 0
        var failed = 0
        var final = 0
        /// From when it was to be placed to its outcome.
        var latency = LatencyHistogram()
    }

    struct Figures: Sendable {
        /// Seconds from the start on, by when things happened.
        var seconds: [Second] = []
        /// From when an order was to be placed to its answer, after the warm-up.
        var answers = LatencyHistogram()
        /// From when an order was to be placed to its outcome, after the warm-up.
        var outcomes = LatencyHistogram()
        var statuses: [String: Int] = [:]
        /// Answers by status, and what failed without one.
        var answerCounts: [String: Int] = [:]
        /// Orders that were accepted and have no outcome.
        var open = 0
        var placed = 0, accepted = 0, final = 0
        /// Orders that were not sent because too many were under way at the client.
        var skipped = 0
        /// Orders that were sent once more, and those of them that were answered otherwise than before.
        var repeated = 0, contradicted = 0
    }

    private struct Waiting {
        var due: MonotonicInstant
        var continuation: CheckedContinuation<Void, Never>?
    }

    private struct State {
        var figures = Figures()
        var waiting: [String: Waiting] = [:]
        /// Outcomes that came before the order's answer.
        var early: [String: String] = [:]
        var isOver = false
    }

    private static let outcomes: Set<String> = ["confirmed", "rejected", "cancelled"]

    private let start: MonotonicInstant
    private let warmUp: Duration
    private let time: any TimeSource
    private let state = Mutex(State())

    init(start: MonotonicInstant, warmUp: Duration, time: any TimeSource) {
        self.start = start
        self.warmUp = warmUp
        self.time = time
    }

    var figures: Figures {
        state.withLock { state in
            var figures = state.figures
            figures.open = state.waiting.count
            return figures
        }
    }

    func placed() {
        let now = time.now
        state.withLock { state in
            state.figures.placed += 1
            update(&state, now) { $0.placed += 1 }
        }
    }

    /// An order was sent once more with its key.
    func repeated(isSame: Bool) {
        state.withLock { state in
            state.figures.repeated += 1
            if !isSame { state.figures.contradicted += 1 }
        }
    }

    func skipped() { state.withLock { $0.figures.skipped += 1 } }

    /// The order was taken, with this id.
    func accepted(_ id: String, due: MonotonicInstant) {
        let now = time.now
        state.withLock { state in
            state.figures.accepted += 1
            state.figures.answerCounts["202", default: 0] += 1
            if due >= start.advanced(by: warmUp) { state.figures.answers.record(due.duration(to: now)) }
            update(&state, now) { $0.accepted += 1 }
            if let status = state.early.removeValue(forKey: id) {
                finish(&state, due: due, status, now)
            } else {
                state.waiting[id] = Waiting(due: due)
            }
        }
    }

    /// The order was not taken: the answer's status, or what failed.
    func refused(_ what: String, isAnswer: Bool) {
        let now = time.now
        state.withLock { state in
            state.figures.answerCounts[what, default: 0] += 1
            update(&state, now) { if isAnswer { $0.refused += 1 } else { $0.failed += 1 } }
        }
    }

    func heard(_ events: [EventReader.Event]) {
        let now = time.now
        let continuations = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            var continuations: [CheckedContinuation<Void, Never>] = []
            for event in events where Self.outcomes.contains(event.status) {
                guard let waiting = state.waiting.removeValue(forKey: event.orderID) else {
                    state.early[event.orderID] = event.status
                    continue
                }
                finish(&state, due: waiting.due, event.status, now)
                if let continuation = waiting.continuation { continuations.append(continuation) }
            }
            return continuations
        }
        for continuation in continuations { continuation.resume() }
    }

    /// Returns when the order has its outcome, or the run is over.
    func outcome(of id: String) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                guard !state.isOver, state.waiting[id] != nil else { return true }
                state.waiting[id]?.continuation = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// No client waits for its order any more; the orders go on being followed.
    func releaseWaiters() {
        let continuations = state.withLock { state in
            state.isOver = true
            return Array(state.waiting.keys).compactMap { id in
                state.waiting[id]?.continuation.take()
            }
        }
        for continuation in continuations { continuation.resume() }
    }

    private func finish(_ state: inout State, due: MonotonicInstant, _ status: String, _ now: MonotonicInstant) {
        let latency = due.duration(to: now)
        state.figures.final += 1
        state.figures.statuses[status, default: 0] += 1
        if due >= start.advanced(by: warmUp) { state.figures.outcomes.record(latency) }
        update(&state, now) { second in
            second.final += 1
            second.latency.record(latency)
        }
    }

    private func update(_ state: inout State, _ now: MonotonicInstant, _ change: (inout Second) -> Void) {
        let index = max(0, Int(start.duration(to: now) / .seconds(1)))
        while state.figures.seconds.count <= index { state.figures.seconds.append(Second()) }
        change(&state.figures.seconds[index])
    }
}
