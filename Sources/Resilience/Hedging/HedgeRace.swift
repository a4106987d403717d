/// Which of several calls of the same operation gives the answer, without tasks or clock of its own.
///
/// A call that ended well wins at once. Any other end counts only when nothing else is under way: then it is the
/// answer, so that a failure before the delay is the retry's business and not the hedge's.
struct HedgeRace: Hashable, Sendable {
    enum Step: Hashable {
        /// This one's result is the answer; whatever else is under way is cancelled.
        case answer
        /// Another may still do better.
        case wait
    }

    private let maximumCalls: Int
    /// Calls begun; the first is number 1.
    private(set) var started = 1
    /// Calls that have not ended. Once zero, the race is over.
    private(set) var running = 1
    /// Whether the first call has not ended.
    private(set) var firstIsRunning = true
    private var isClosed = false

    init(maximumExtraCalls: Int) {
        maximumCalls = 1 + maximumExtraCalls
    }

    /// Whether a further call may follow after another delay.
    var isOpen: Bool { !isClosed && running > 0 && started < maximumCalls }

    /// The number of the further call to begin.
    mutating func start() -> Int {
        precondition(isOpen, "no call is begun in a race that is over")
        started += 1
        running += 1
        return started
    }

    /// No further call is begun, whatever happens.
    mutating func close() {
        isClosed = true
    }

    /// A call has ended.
    mutating func finish(_ attempt: Int, isGood: Bool) -> Step {
        precondition(running > 0, "a call ends once")
        running -= 1
        if attempt == 1 { firstIsRunning = false }
        guard isGood || running == 0 else { return .wait }
        isClosed = true
        return .answer
    }
}
