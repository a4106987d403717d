/// What is done to one direction of a link. Nothing by default; several at a time add up.
struct LaneFaults: Hashable, Sendable {
    /// How a connection is cut.
    enum Cut: String, CaseIterable, Sendable {
        /// An orderly end (FIN) to both sides.
        case close
        /// A reset (RST) to both sides.
        case reset
    }

    /// How long bytes are on the way, the order kept; 0 to 600 000.
    var latencyMilliseconds = 0
    /// By how much the latency varies up and down, evenly; never below 0 in sum.
    var jitterMilliseconds = 0
    /// How many bytes pass in a second; 0 is no limit.
    var bytesPerSecond = 0
    /// After how many more bytes a connection is cut. 0 cuts it at the first one, which does not pass: an answer is lost
    /// although the request was carried out.
    var cutAfterBytes: Int?
    /// How ``cutAfterBytes`` cuts.
    var cutWith = Cut.close
    /// The direction is ended towards its receiver while the other one goes on; further bytes are dropped.
    var isHalfClosed = false
    /// Nothing passes, not even an end. What was sent waits, as TCP's repetitions would, and passes once healed.
    var isBlackHole = false
    /// Every connection is reset at once, and each new one as soon as it is accepted.
    var isReset = false
    /// New connections are refused; open ones go on. Of the direction from the client alone.
    var isRefused = false
    /// The share of connections that this concerns, each drawn once with the seed; refusing concerns all.
    var share = 1.0

    static let none = LaneFaults()
    static let longestLatency = 600_000
    static let largestRate = 1_000_000_000
    static let largestCut = 1_000_000_000

    /// What of it concerns a connection that drew this number between 0 and 1.
    func concerning(_ draw: Double) -> LaneFaults { draw < share ? self : .none }
}

/// The directions of a link, as its client sees it.
enum Direction: String, CaseIterable, Sendable {
    /// From the client to the target: requests.
    case upstream
    /// From the target to the client: answers.
    case downstream

    var opposite: Direction { self == .upstream ? .downstream : .upstream }
}
