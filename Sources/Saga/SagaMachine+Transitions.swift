import Clocks
import Defects

extension SagaMachine {
    // MARK: Forward

    var isBehindPivot: Bool { state.position > definition.pivotIndex }

    /// Whether the saga goes, or waits to go, backward.
    var isUndoing: Bool { state.failure != nil }

    /// How long the answer to the command under way is waited for; nil while the saga is at rest.
    var currentPolicy: StepPolicy? {
        switch state.status {
        case .running, .compensating, .parked:
            let step = definition.steps[state.position]
            return isUndoing ? step.compensation?.policy ?? step.policy : step.policy
        case .quarantined, .completed, .compensated: return nil
        }
    }

    /// The command whose reply is waited for.
    public var expectedCommand: String? {
        guard !state.isFinal, definition.steps.indices.contains(state.position) else { return nil }
        let step = definition.steps[state.position]
        return isUndoing ? step.compensation?.name : step.name
    }

    /// Begins the step with this index, doing local ones at once, or ends the saga behind the last.
    mutating func enter(_ index: Int, now: Timestamp, jitter: Double) {
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

    mutating func forward(_ reply: SagaReply, now: Timestamp, jitter: Double) {
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
    func isOverdue(now: Timestamp) -> Bool {
        !isBehindPivot && definition.deadline.map { state.startedAt.duration(to: now) >= $0 } ?? false
    }

    mutating func dueForward(now: Timestamp, jitter: Double) {
        let step = definition.steps[state.position]
        guard !isOverdue(now: now), !isSpent(step.policy, now: now) || step.kind == .retriable else {
            closeEntry(.unknown, now: now, detail: nil)
            return fail(Self.timedOut, undoingFrom: state.position, now: now, jitter: jitter)
        }
        resend(.action, step.policy, now: now, jitter: jitter)
    }

    mutating func unpark(now: Timestamp, jitter: Double) {
        state.status = isUndoing ? .compensating : .running
        if !isUndoing, isOverdue(now: now) { return dueForward(now: now, jitter: jitter) }
        // Time spent parked is not time without an answer.
        state.stepStartedAt = now
        actions.append(
            .update(entry: state.entries - 1, status: .pending, attempts: state.attempts, finishedAt: nil, detail: nil))
        let kind: SagaJournalEntry.Kind = isUndoing ? .compensation : .action
        actions.append(.send(step: state.position, kind: kind, attempt: state.attempts))
        if let policy = currentPolicy { scheduleNext(policy, now: now, jitter: jitter) }
    }

    // MARK: Backward

    mutating func fail(_ reason: String, undoingFrom index: Int, now: Timestamp, jitter: Double) {
        state.failure = reason
        state.status = .compensating
        undo(Defect.compensatedInOrder.isOn ? min(index, 0) : index, now: now, jitter: jitter)
    }

    /// The step that is undone after this one; negative for none.
    func next(after index: Int) -> Int {
        guard Defect.compensatedInOrder.isOn else { return index - 1 }
        return index + 1 <= state.entries - index - 3 ? index + 1 : -1
    }

    /// Undoes the step with this index and then all before it, or ends the saga before the first.
    mutating func undo(_ index: Int, now: Timestamp, jitter: Double) {
        guard index >= 0, !(Defect.compensationSkipped.isOn && index == 0) else {
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

    mutating func backward(_ reply: SagaReply, now: Timestamp, jitter: Double) {
        switch reply {
        case .succeeded: closeEntry(.succeeded, now: now, detail: nil)
        case .nothingToUndo: closeEntry(.succeeded, now: now, detail: Self.nothingToUndo)
        case .failed(let reason):
            // What was done has to be undone: try again until the policy is spent.
            guard let policy = currentPolicy else { return }
            state.status = .compensating
            actions.append(
                .update(
                    entry: state.entries - 1, status: .pending, attempts: state.attempts, finishedAt: nil,
                    detail: reason))
            return scheduleNext(policy, now: now, jitter: jitter)
        }
        state.status = .compensating
        undo(next(after: state.position), now: now, jitter: jitter)
    }

    mutating func dueBackward(now: Timestamp, jitter: Double) {
        guard let compensation = definition.steps[state.position].compensation else { return }
        guard !isSpent(compensation.policy, now: now) else {
            closeEntry(.unknown, now: now, detail: nil)
            return quarantine()
        }
        resend(.compensation, compensation.policy, now: now, jitter: jitter)
    }

    mutating func quarantine() {
        state.status = .quarantined
        state.dueAt = nil
        actions.append(.quarantined(compensation: definition.steps[state.position].compensation?.name ?? ""))
    }

    // MARK: Common

    /// What a reply after the end must never do.
    mutating func overturn() -> SagaTransition {
        state.status = state.status == .completed ? .compensated : .completed
        let isDone = state.status == .completed
        return .actions([.finished(isDone ? .completed : .compensated(reason: state.failure ?? Self.timedOut))])
    }

    func isSpent(_ policy: StepPolicy, now: Timestamp) -> Bool {
        if let maximum = policy.maximumAttempts, state.attempts >= maximum { return true }
        if let patience = policy.patience, state.stepStartedAt.duration(to: now) >= patience { return true }
        return false
    }

    mutating func resend(_ kind: SagaJournalEntry.Kind, _ policy: StepPolicy, now: Timestamp, jitter: Double) {
        state.attempts += 1
        actions.append(
            .update(entry: state.entries - 1, status: .pending, attempts: state.attempts, finishedAt: nil, detail: nil))
        actions.append(.send(step: state.position, kind: kind, attempt: state.attempts))
        scheduleNext(policy, now: now, jitter: jitter)
    }

    /// Sets the due time; jitter shortens the wait by up to a tenth, so that many sagas do not come due at once.
    mutating func scheduleNext(_ policy: StepPolicy, now: Timestamp, jitter: Double) {
        let wait = policy.wait(afterAttempt: state.attempts)
        let early = Duration.nanoseconds(Int64(Double(wait.wholeNanoseconds) / 10 * jitter))
        state.dueAt = now.advanced(by: wait - early)
    }

    mutating func append(
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

    mutating func closeEntry(_ status: SagaJournalEntry.Status, now: Timestamp, detail: String?) {
        actions.append(
            .update(
                entry: state.entries - 1, status: status, attempts: state.attempts, finishedAt: now, detail: detail))
    }
}
