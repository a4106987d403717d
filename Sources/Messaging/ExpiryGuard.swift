import Clocks

/// Decides which commands are not begun because their deadline has passed: a pure state machine.
///
/// The deadline is by the sender's clock, and no promise may rest on two clocks agreeing. So it is translated: a command's
/// patience (from when it was said to its deadline) is by one clock, and how much of it is used up is by ours, from what
/// all messages of that sender tell (``SenderClock``). A command is late when it was under way for longer than its
/// patience, beyond the smallest delay seen. However wrong the clocks are, a command in time is never refused, and one
/// that is later than the smallest delay always is, as long as no clock is set meanwhile.
///
/// Where the estimate cannot be trusted everything is begun: doing a command too late is harmless, because its
/// compensation undoes it.
package struct ExpiryGuard: Sendable {
    /// What becomes of a command.
    package enum Verdict: Hashable {
        case begin
        case refuse
        /// It looks late, but the sender's clock may just have been set.
        case beginLate
    }

    /// Estimates move by less than this within their window: clocks drift.
    static let tolerance = Duration.milliseconds(100)
    /// Processes that send; more are not told apart from those that were never seen.
    static let senderLimit = 64

    private var senders: [String: SenderClock] = [:]

    package init() {}

    /// Takes in what a message tells of its sender's clock. All messages of a batch are to be taken in before any is judged:
    /// where the first ones were long under way the last ones tell.
    ///
    /// - Parameters:
    ///   - sender: the process that said it; processes have clocks of their own.
    ///   - said: when, by its clock.
    package mutating func observe(_ sender: String, said: Timestamp, now: MonotonicInstant) {
        let (said, now) = (said.microseconds, now.microseconds)
        if senders[sender]?.isForgotten(at: now) == false {
            senders[sender]?.observe(said: said, now: now)
            return
        }
        if senders[sender] == nil, senders.count >= Self.senderLimit {
            let oldest = senders.min { ($0.value.lastSeen, $0.key) < ($1.value.lastSeen, $1.key) }
            if let oldest { senders[oldest.key] = nil }
        }
        senders[sender] = SenderClock(said: said, now: now)
    }

    /// What becomes of a command that is here `now`; it has to be observed before.
    package func judge(_ sender: String, said: Timestamp, deadline: Timestamp?, now: MonotonicInstant) -> Verdict {
        // Compensations and steps that must be done have none.
        guard let deadline, let clock = senders[sender] else { return .begin }
        let patience = said.duration(to: deadline) + Self.tolerance
        let delay = Duration.microseconds(clock.delay(said: said.microseconds, now: now.microseconds))
        guard delay > patience else { return .begin }
        return clock.isDoubtful ? .beginLate : .refuse
    }
}

extension MonotonicInstant {
    fileprivate var microseconds: Int64 { nanoseconds / 1000 }
}
