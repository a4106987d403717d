import Clocks

/// A member's way through its group: joining, consuming, giving partitions back, leaving.
///
/// Pure: events and `now` go in, what is to be done with the client comes out. No commit is sent from the moment a
/// rebalance is under way except the one before the partitions are given back, because the client of Debian 12 loses
/// its assignment otherwise.
struct GroupMembership {
    enum Phase: Equatable {
        /// No partitions. To `consuming` by an assignment, to `leaving`.
        case joining
        /// Messages are handed out. To `handingBack` by a revocation, to `joining` when the assignment is lost, to `committing`.
        case consuming
        /// Partitions are wanted back: waits for what is being handled. To `committing` when that is finished or at the instant.
        case handingBack(until: MonotonicInstant)
        /// The last commit before the partitions go. To `joining` or `leaving`, when it is answered or at the instant.
        case committing(until: MonotonicInstant, then: Ending)
        /// The group is told. To `left` when it has answered or at the instant.
        case leaving(until: MonotonicInstant)
        /// Final.
        case left
    }

    /// What follows the last commit.
    enum Ending: Equatable {
        case giveBack
        case leave
    }

    enum Action: Equatable {
        case assign([KafkaPartition])
        case stopHandingOut
        case commit([NextOffset])
        case giveBack
        case leave
        /// Orderly: the group has answered.
        case destroy(orderly: Bool)
        /// What is being handled was not finished in time: whoever gets the partitions handles it again.
        case handBackTimedOut
    }

    private let commitInterval: Duration
    private let handBackPatience: Duration
    private let commitPatience: Duration

    private(set) var phase = Phase.joining
    var ledger = AssignmentLedger()
    private var commitDue: MonotonicInstant?
    private var isCommitInFlight = false
    /// The group wants the partitions back while the member leaves anyway.
    private var owesPartitions = false
    private var leaveBy: MonotonicInstant?

    init(commitInterval: Duration, handBackPatience: Duration, commitPatience: Duration) {
        self.commitInterval = commitInterval
        self.handBackPatience = handBackPatience
        self.commitPatience = commitPatience
    }

    /// When ``tick(now:)`` has something to do, if nothing else happens before.
    var nextTick: MonotonicInstant? {
        switch phase {
        case .joining, .left: nil
        case .consuming: isCommitInFlight ? nil : commitDue
        case .handingBack(let until), .committing(let until, _), .leaving(let until): until
        }
    }

    mutating func assigned(_ partitions: [KafkaPartition], now: MonotonicInstant) -> [Action] {
        switch phase {
        case .joining, .consuming, .handingBack, .committing(_, then: .giveBack):
            let wasJoining = phase == .joining
            ledger.begin(partitions)
            commitDue = nil
            phase = .consuming
            return (wasJoining ? [] : [.stopHandingOut]) + [.assign(partitions)]
        case .committing(_, then: .leave), .leaving, .left:
            // Too late: the group is told so by an empty assignment.
            return [.giveBack]
        }
    }

    /// - Parameter isLost: the group has gone on without this member, so that it can commit nothing any more.
    mutating func revoked(isLost: Bool, now: MonotonicInstant) -> [Action] {
        switch phase {
        case .consuming where isLost:
            return [.stopHandingOut] + end(.giveBack, now: now)
        case .consuming:
            phase = .handingBack(until: now.advanced(by: handBackPatience))
            return [.stopHandingOut] + advance(now: now)
        case .handingBack, .committing(_, then: .giveBack):
            return isLost ? end(.giveBack, now: now) : []
        case .committing(_, then: .leave):
            owesPartitions = true
            return isLost ? end(.leave, now: now) : []
        case .joining, .leaving, .left:
            return [.giveBack]
        }
    }

    /// Notes messages as handled.
    ///
    /// - Returns: whether ``tick(now:)`` is due earlier than before.
    mutating func finished(
        _ messages: some Sequence<(slot: Int, generation: UInt32, offset: Int64)>, now: MonotonicInstant
    ) -> (needsTick: Bool, ignored: Int) {
        var ignored = 0
        var accepted = false
        for message in messages {
            if ledger.finish(message.slot, generation: message.generation, offset: message.offset) {
                accepted = true
            } else {
                ignored += 1
            }
        }
        guard accepted else { return (false, ignored) }
        switch phase {
        case .consuming:
            guard commitDue == nil else { return (false, ignored) }
            commitDue = now.advanced(by: commitInterval)
            return (!isCommitInFlight, ignored)
        case .handingBack:
            return (!ledger.isInProgress, ignored)
        case .joining, .committing, .leaving, .left:
            return (false, ignored)
        }
    }

    /// Notes the answer to a commit: the offsets that were accepted.
    mutating func commitEnded(succeeded: [NextOffset], now: MonotonicInstant) -> [Action] {
        isCommitInFlight = false
        ledger.endCommit(succeeded: succeeded)
        switch phase {
        case .consuming:
            if ledger.isDirty, commitDue == nil { commitDue = now.advanced(by: commitInterval) }
            return []
        case .committing(let until, let ending):
            // A refusal in a rebalance is final; after a success more may have been finished meanwhile.
            guard !succeeded.isEmpty, ledger.isDirty, now < until else { return end(ending, now: now) }
            return commitLast(until: until, then: ending, now: now)
        case .joining, .handingBack, .leaving, .left:
            return advance(now: now)
        }
    }

    /// Leaves the group, with a last commit, by `deadline`.
    mutating func leave(by deadline: MonotonicInstant, now: MonotonicInstant) -> [Action] {
        switch phase {
        case .leaving(let until):
            phase = .leaving(until: min(until, deadline))
            return []
        case .committing(let until, then: .leave):
            phase = .committing(until: min(until, deadline), then: .leave)
            leaveBy = min(leaveBy ?? deadline, deadline)
            return []
        case .left:
            return []
        case .handingBack, .committing(_, then: .giveBack):
            owesPartitions = true
        case .joining, .consuming:
            break
        }
        leaveBy = deadline
        let until = min(deadline, now.advanced(by: commitPatience))
        return [.stopHandingOut] + commitLast(until: until, then: .leave, now: now)
    }

    /// The group has answered: the member has left.
    mutating func left() -> [Action] {
        guard phase != .left else { return [] }
        phase = .left
        return [.destroy(orderly: true)]
    }

    /// Does what is due by `now`.
    mutating func tick(now: MonotonicInstant) -> [Action] {
        switch phase {
        case .consuming:
            guard !isCommitInFlight, let due = commitDue, due <= now else { return [] }
            commitDue = nil
            let offsets = ledger.takeCommit()
            isCommitInFlight = !offsets.isEmpty
            return offsets.isEmpty ? [] : [.commit(offsets)]
        case .handingBack:
            return advance(now: now)
        case .committing(let until, let ending):
            return until <= now ? end(ending, now: now) : []
        case .leaving(let until):
            guard until <= now else { return [] }
            phase = .left
            return [.destroy(orderly: false)]
        case .joining, .left:
            return []
        }
    }

    private mutating func advance(now: MonotonicInstant) -> [Action] {
        guard case .handingBack(let until) = phase else { return [] }
        let isLate = until <= now && ledger.isInProgress
        guard isLate || !ledger.isInProgress else { return [] }
        let last = commitLast(until: now.advanced(by: commitPatience), then: .giveBack, now: now)
        return (isLate ? [.handBackTimedOut] : []) + last
    }

    private mutating func commitLast(until: MonotonicInstant, then ending: Ending, now: MonotonicInstant) -> [Action] {
        phase = .committing(until: until, then: ending)
        guard !isCommitInFlight else { return [] }
        let offsets = ledger.takeCommit()
        guard !offsets.isEmpty else { return end(ending, now: now) }
        isCommitInFlight = true
        return [.commit(offsets)]
    }

    private mutating func end(_ ending: Ending, now: MonotonicInstant) -> [Action] {
        ledger.end()
        commitDue = nil
        switch ending {
        case .giveBack:
            phase = .joining
            return [.giveBack]
        case .leave:
            phase = .leaving(until: leaveBy ?? now)
            return (owesPartitions ? [.giveBack] : []) + [.leave]
        }
    }
}
