import Clocks
import Defects

/// Decides what a saga does next: a pure function of its definition, its state, an input and the time.
///
/// Everything a transition asks for is to be done in one transaction with the new state; then a crash at any point leaves the
/// saga either before or behind the transition. Late, repeated and foreign inputs are `ignored`, with the reason.
public struct SagaMachine: Sendable {
    /// The process.
    public let definition: SagaDefinition
    /// Where it stands.
    public internal(set) var state: SagaState
    var actions: [SagaAction] = []
    /// Why an engine gave a saga up.
    public static let timedOut = "timed-out"
    /// What the journal says of a compensation without effect.
    public static let nothingToUndo = "nothing-to-undo"

    /// Continues a saga from its stored state.
    public init(_ definition: SagaDefinition, _ state: SagaState) {
        self.definition = definition
        self.state = state
    }

    /// Begins a saga with its first step.
    public static func start(
        _ definition: SagaDefinition, now: Timestamp, jitter: Double = 0
    ) -> (state: SagaState, actions: [SagaAction]) {
        var machine = SagaMachine(
            definition,
            SagaState(
                status: .running, position: 0, attempts: 0, stepStartedAt: now, dueAt: nil, startedAt: now,
                failure: nil, entries: 0))
        machine.enter(0, now: now, jitter: jitter)
        return (machine.state, machine.actions)
    }

    // MARK: Inputs

    /// A participant answered the command with this name.
    ///
    /// - Parameter jitter: from 0 to 1; spreads the next due time over a tenth of its wait.
    public mutating func reply(
        to command: String, _ reply: SagaReply, now: Timestamp, jitter: Double = 0
    ) -> SagaTransition {
        guard !state.isFinal else {
            if Defect.endNotFinal.isOn { return overturn() }
            return .ignored("the saga has ended")
        }
        guard command == expectedCommand else { return .ignored("no reply to \(command) is waited for") }
        actions = []
        if isUndoing {
            backward(reply, now: now, jitter: jitter)
        } else {
            forward(reply, now: now, jitter: jitter)
        }
        return .actions(actions)
    }

    /// The due time may have come.
    public mutating func timer(now: Timestamp, jitter: Double = 0) -> SagaTransition {
        guard let dueAt = state.dueAt else { return .ignored("nothing is due") }
        guard dueAt <= now else { return .ignored("not due yet") }
        if Defect.dueTimesForgotten.isOn {
            state.dueAt = nil
            return .actions([])
        }
        actions = []
        switch state.status {
        case .running: dueForward(now: now, jitter: jitter)
        case .compensating: dueBackward(now: now, jitter: jitter)
        case .parked: unpark(now: now, jitter: jitter)
        case .quarantined, .completed, .compensated: return .ignored("the saga is at rest")
        }
        return .actions(actions)
    }

    /// What a wish to cancel came to.
    public enum Cancellation: Sendable, Hashable {
        /// The saga is being undone, or was.
        case accepted
        /// The point of no return is passed.
        case alreadyCompleted
        /// It was undone for another reason.
        case alreadyFailed
    }

    /// Somebody wants it undone, for this reason.
    public mutating func cancel(
        reason: String, now: Timestamp, jitter: Double = 0
    ) -> (answer: Cancellation, transition: SagaTransition) {
        switch state.status {
        case .completed: return (.alreadyCompleted, .ignored("the saga has ended"))
        case .compensated:
            return (state.failure == reason ? .accepted : .alreadyFailed, .ignored("the saga has ended"))
        case .compensating, .quarantined: return (.accepted, .ignored("the saga is being undone already"))
        case .parked where isUndoing: return (.accepted, .ignored("the saga is being undone already"))
        case .running, .parked:
            guard definition.steps[state.position].kind == .compensatable else {
                return (.alreadyCompleted, .ignored("the point of no return is passed"))
            }
            actions = []
            // What is under way may still happen: it counts as done, and is undone first.
            closeEntry(.unknown, now: now, detail: nil)
            fail(reason, undoingFrom: state.position, now: now, jitter: jitter)
            return (.accepted, .actions(actions))
        }
    }

    /// Who would carry out the command cannot be reached: wait until then without spending an attempt, forward or
    /// backward. A saga that is parked already goes on waiting.
    public mutating func park(until: Timestamp) -> SagaTransition {
        guard currentPolicy != nil else { return .ignored("the saga is at rest") }
        actions = []
        if state.status != .parked {
            state.status = .parked
            actions.append(
                .update(
                    entry: state.entries - 1, status: .parked, attempts: state.attempts, finishedAt: nil, detail: nil))
        }
        // The saga as a whole has its time, parked or not.
        let end = isUndoing || isBehindPivot ? nil : definition.deadline.map { state.startedAt.advanced(by: $0) }
        state.dueAt = min(until, end ?? until)
        return .actions(actions)
    }

    /// The repeat that is due is not to be sent now: wait once more, without spending an attempt.
    ///
    /// What the saga does when its patience is over is not put off by that.
    public mutating func putOff(now: Timestamp, jitter: Double = 0) -> SagaTransition {
        guard let dueAt = state.dueAt, dueAt <= now else { return .ignored("nothing is due") }
        guard let policy = currentPolicy else { return .ignored("the saga is at rest") }
        scheduleNext(policy, now: now, jitter: jitter)
        guard let next = state.dueAt else { return .ignored("nothing is due") }
        var end = next
        if let patience = policy.patience, state.status != .parked {
            end = min(end, state.stepStartedAt.advanced(by: patience))
        }
        if let deadline = definition.deadline, !isUndoing, !isBehindPivot {
            end = min(end, state.startedAt.advanced(by: deadline))
        }
        state.dueAt = max(end, now)
        return .actions([])
    }

    /// An operator wants the compensation that was given up to be tried again.
    public mutating func redrive(now: Timestamp, jitter: Double = 0) -> SagaTransition {
        guard state.status == .quarantined else { return .ignored("the saga is not quarantined") }
        guard let compensation = definition.steps[state.position].compensation else {
            return .ignored("there is nothing to undo")
        }
        actions = []
        state.status = .compensating
        state.stepStartedAt = now
        resend(.compensation, compensation.policy, now: now, jitter: jitter)
        return .actions(actions)
    }

    /// An operator wants the command under way to be sent again now; one that was given up is taken up again.
    public mutating func retry(now: Timestamp, jitter: Double = 0) -> SagaTransition {
        if state.status == .quarantined { return redrive(now: now, jitter: jitter) }
        guard let policy = currentPolicy else { return .ignored("the saga has ended") }
        actions = []
        if state.status == .parked {
            unpark(now: now, jitter: jitter)
        } else {
            resend(isUndoing ? .compensation : .action, policy, now: now, jitter: jitter)
        }
        return .actions(actions)
    }
}
