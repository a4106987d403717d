import Clocks
import Synchronization

/// When the server last answered anything: tells a pool that is used up from a server that hangs.
///
/// Both look alike to a caller who waits for a connection in vain. But where connections are only used up, statements go on
/// being answered; where nothing at all was answered for as long as somebody waited, the server does not work, or works
/// for nobody.
final class Pulse: Sendable {
    private let limit: Duration
    /// In nanoseconds. Threads that answer at the same time may overwrite one another with a moment hardly different.
    private let lastAnswer = Atomic(Int64.min)

    /// - Parameter limit: a shorter time without an answer says nothing.
    init(limit: Duration) {
        self.limit = limit
    }

    /// The server has answered a statement, with whatever.
    func beat(at now: MonotonicInstant) {
        lastAnswer.store(now.nanoseconds, ordering: .relaxed)
    }

    /// Whether nothing was answered from `began`, when there was something to answer, until `now`, and that is long.
    func isSilent(since began: MonotonicInstant, now: MonotonicInstant) -> Bool {
        began.duration(to: now) >= limit && lastAnswer.load(ordering: .relaxed) < began.nanoseconds
    }
}
