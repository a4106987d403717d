import Clocks

/// Decides what a saga does next: a pure function of its definition, its state, an input and the time.
///
/// Everything a transition asks for is to be done in one transaction with the new state; then a crash at any point leaves the
/// saga either before or behind the transition. Late, repeated and foreign inputs are `ignored`, with the reason.
public struct SagaMachine: Sendable {
    /// The process.
    public let definition: SagaDefinition
    /// Where it stands.
    public private(set) var state: SagaState
    private var actions: [SagaAction] = []
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
        guard !state.isFinal else { return .ignored("the saga has ended") }
        guard command == expectedCommand else { return .ignored("no reply to \(command) is waited for") }
        actions = []
        switch state.status {
        case .running, .parked: forward(reply, now: now, jitter: jitter)
        case .compensating, .quarantined: backward(reply, now: now, jitter: jitter)
        case .completed, .compensated: break
        }
        return .actions(actions)
    }

    /// The due time may have come.
    public mutating func timer(now: Timestamp, jitter: Double = 0) -> SagaTransition {
        guard let dueAt = state.dueAt else { return .ignored("nothing is due") }
        guard dueAt <= now else { return .ignored("not due yet") }
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

    /// A dependency's circuit is open: wait until then without spending an attempt.
    public mutating func park(until: Timestamp) -> SagaTransition {
        guard state.status == .running else { return .ignored("only a saga that goes forward is parked") }
        actions = []
        state.status = .parked
        // The saga as a whole has its time, parked or not.
        let end = isBehindPivot ? nil : definition.deadline.map { state.startedAt.advanced(by: $0) }
        state.dueAt = min(until, end ?? until)
        actions.append(
            .update(entry: state.entries - 1, status: .parked, attempts: state.attempts, finishedAt: nil, detail: nil))
        return .actions(actions)
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

    // MARK: Forward

    private var isBehindPivot: Bool { state.position > definition.pivotIndex }

    /// The command whose reply is waited for.
    public var expectedCommand: String? {
        guard definition.steps.indices.contains(state.position) else { return nil }
        let step = definition.steps[state.position]
        switch state.status {
        case .running, .parked: return step.name
        case .compensating, .quarantined: return step.compensation?.name
        case .completed, .compensated: return nil
        }
    }

    /// Begins the step with this index, doing local ones at once, or ends the saga behind the last.
    private mutating func enter(_ index: Int, now: Timestamp, jitter: Double) {
        state.status = .running
        state.position = index
        guard index < definition.steps.count else {
            state.status = .completed
            state.dueAt = nil
            actions.append(.finished(.completed))
            return
        }
        let step = definition.steps[index]
        state.stepStartedAt = now
        state.attempts = 1
        if step.isLocal {
            actions.append(.perform(step: index))
            append(step.name, .action, undoes: nil, .succeeded, .local, now: now, finishedAt: now)
            enter(index + 1, now: now, jitter: jitter)
        } else {
            append(step.name, .action, undoes: nil, .pending, .kafka, now: now, finishedAt: nil)
            actions.append(.send(step: index, kind: .action, attempt: 1))
            scheduleNext(step.policy, now: now, jitter: jitter)
        }
    }

    private mutating func forward(_ reply: SagaReply, now: Timestamp, jitter: Double) {
        let step = definition.steps[state.position]
        switch reply {
        case .succeeded, .nothingToUndo:
            closeEntry(.succeeded, now: now, detail: nil)
            enter(state.position + 1, now: now, jitter: jitter)
        case .failed(let reason):
            guard step.kind != .retriable else {
                // It cannot fail for good: wait and try again.
                actions.append(
                    .update(
                        entry: state.entries - 1, status: .pending, attempts: state.attempts, finishedAt: nil,
                        detail: reason))
                state.status = .running
                scheduleNext(step.policy, now: now, jitter: jitter)
                return
            }
            closeEntry(.failed, now: now, detail: reason)
            fail(reason, undoingFrom: state.position - 1, now: now, jitter: jitter)
        }
    }

    /// Whether the saga as a whole has taken too long; behind the pivot it never has.
    private func isOverdue(now: Timestamp) -> Bool {
        !isBehindPivot && definition.deadline.map { state.startedAt.duration(to: now) >= $0 } ?? false
    }

    private mutating func dueForward(now: Timestamp, jitter: Double) {
        let step = definition.steps[state.position]
        guard !isOverdue(now: now), !isSpent(step.policy, now: now) || step.kind == .retriable else {
            closeEntry(.unknown, now: now, detail: nil)
            return fail(Self.timedOut, undoingFrom: state.position, now: now, jitter: jitter)
        }
        resend(.action, step.policy, now: now, jitter: jitter)
    }

    private mutating func unpark(now: Timestamp, jitter: Double) {
        state.status = .running
        if isOverdue(now: now) { return dueForward(now: now, jitter: jitter) }
        // Time spent parked is not time without an answer.
        state.stepStartedAt = now
        actions.append(
            .update(entry: state.entries - 1, status: .pending, attempts: state.attempts, finishedAt: nil, detail: nil))
        actions.append(.send(step: state.position, kind: .action, attempt: state.attempts))
        scheduleNext(definition.steps[state.position].policy, now: now, jitter: jitter)
    }

    // MARK: Backward

    private mutating func fail(_ reason: String, undoingFrom index: Int, now: Timestamp, jitter: Double) {
        state.failure = reason
        state.status = .compensating
        undo(index, now: now, jitter: jitter)
    }

    /// Undoes the step with this index and then all before it, or ends the saga before the first.
    private mutating func undo(_ index: Int, now: Timestamp, jitter: Double) {
        guard index >= 0 else {
            state.position = 0
            state.status = .compensated
            state.dueAt = nil
            actions.append(.finished(.compensated(reason: state.failure ?? Self.timedOut)))
            return
        }
        guard let compensation = definition.steps[index].compensation else {
            preconditionFailure("\(definition.steps[index].name) is undone but has no compensation")
        }
        state.position = index
        state.stepStartedAt = now
        state.attempts = 1
        append(
            compensation.name, .compensation, undoes: definition.steps[index].name, .pending, .kafka, now: now,
            finishedAt: nil)
        actions.append(.send(step: index, kind: .compensation, attempt: 1))
        scheduleNext(compensation.policy, now: now, jitter: jitter)
    }

    private mutating func backward(_ reply: SagaReply, now: Timestamp, jitter: Double) {
        switch reply {
        case .succeeded: closeEntry(.succeeded, now: now, detail: nil)
        case .nothingToUndo: closeEntry(.succeeded, now: now, detail: Self.nothingToUndo)
        case .failed(let reason):
            // What was done has to be undone: try again until the policy is spent.
            guard state.status == .compensating, let compensation = definition.steps[state.position].compensation
            else { return }
            actions.append(
                .update(
                    entry: state.entries - 1, status: .pending, attempts: state.attempts, finishedAt: nil,
                    detail: reason))
            return scheduleNext(compensation.policy, now: now, jitter: jitter)
        }
        state.status = .compensating
        undo(state.position - 1, now: now, jitter: jitter)
    }

    private mutating func dueBackward(now: Timestamp, jitter: Double) {
        guard let compensation = definition.steps[state.position].compensation else { return }
        guard !isSpent(compensation.policy, now: now) else {
            closeEntry(.unknown, now: now, detail: nil)
            return quarantine()
        }
        resend(.compensation, compensation.policy, now: now, jitter: jitter)
    }

    private mutating func quarantine() {
        state.status = .quarantined
        state.dueAt = nil
        actions.append(.quarantined(compensation: definition.steps[state.position].compensation?.name ?? ""))
    }

    // MARK: Common

    private func isSpent(_ policy: StepPolicy, now: Timestamp) -> Bool {
        if let maximum = policy.maximumAttempts, state.attempts >= maximum { return true }
        if let patience = policy.patience, state.stepStartedAt.duration(to: now) >= patience { return true }
        return false
    }

    private mutating func resend(_ kind: SagaJournalEntry.Kind, _ policy: StepPolicy, now: Timestamp, jitter: Double) {
        state.attempts += 1
        actions.append(
            .update(entry: state.entries - 1, status: .pending, attempts: state.attempts, finishedAt: nil, detail: nil))
        actions.append(.send(step: state.position, kind: kind, attempt: state.attempts))
        scheduleNext(policy, now: now, jitter: jitter)
    }

    /// Sets the due time; jitter shortens the wait by up to a tenth, so that many sagas do not come due at once.
    private mutating func scheduleNext(_ policy: StepPolicy, now: Timestamp, jitter: Double) {
        let wait = policy.wait(afterAttempt: state.attempts)
        let early = Duration.nanoseconds(Int64(Double(wait.wholeNanoseconds) / 10 * jitter))
        state.dueAt = now.advanced(by: wait - early)
    }

    private mutating func append(
        _ step: String, _ kind: SagaJournalEntry.Kind, undoes: String?, _ status: SagaJournalEntry.Status,
        _ channel: SagaJournalEntry.Channel, now: Timestamp, finishedAt: Timestamp?
    ) {
        actions.append(
            .append(
                SagaJournalEntry(
                    index: state.entries, step: step, kind: kind, undoes: undoes, status: status, channel: channel,
                    startedAt: now, finishedAt: finishedAt)))
        state.entries += 1
    }

    private mutating func closeEntry(_ status: SagaJournalEntry.Status, now: Timestamp, detail: String?) {
        actions.append(
            .update(
                entry: state.entries - 1, status: status, attempts: state.attempts, finishedAt: now, detail: detail))
    }
}
