import Clocks
import Messaging
import Postgres
import Saga

/// What the transitions of several sagas come to, gathered so that each table is written once.
struct SagaBatch<Process: SagaProcess> {
    private let process: Process
    private let now: Timestamp
    private var states: [UUID: SagaState] = [:]
    private var appended: [(saga: UUID, entry: SagaJournalEntry)] = []
    private var appendedPlaces: [EntryID: Int] = [:]
    private var changes: [EntryID: JournalStatements.Change] = [:]
    private var performed: [String: [UUID]] = [:]
    private var ended: [EndedSaga] = []
    private(set) var commands: [OutgoingMessage] = []
    /// Compensations that were given up: an operator has to look.
    private(set) var quarantined: [(saga: UUID, compensation: String)] = []

    private struct EntryID: Hashable {
        var saga: UUID
        var entry: Int
    }

    init(process: Process, now: Timestamp) {
        self.process = process
        self.now = now
    }

    /// How many sagas have changed.
    var count: Int { states.count }

    /// Takes in the actions of one transition.
    mutating func add(
        _ actions: [SagaAction], saga: UUID, state: SagaState, details: Process.Details, trace: TraceHeaders?
    ) throws {
        states[saga] = state
        for action in actions {
            switch action {
            case .append(let entry):
                appendedPlaces[EntryID(saga: saga, entry: entry.index)] = appended.count
                appended.append((saga, entry))
            case .update(let entry, let status, let attempts, let finishedAt, let detail):
                let change = JournalStatements.Change(
                    status: status, attempts: attempts, finishedAt: finishedAt, detail: detail)
                apply(change, to: EntryID(saga: saga, entry: entry))
            case .send(let step, let kind, _):
                commands.append(try command(step, kind, saga: saga, details, trace))
            case .perform(let step): performed[process.definition.steps[step].name, default: []].append(saga)
            case .finished(let outcome):
                ended.append(EndedSaga(id: saga, outcome: outcome, startedAt: state.startedAt))
            case .quarantined(let compensation): quarantined.append((saga, compensation))
            }
        }
    }

    private mutating func apply(_ change: JournalStatements.Change, to id: EntryID) {
        guard let place = appendedPlaces[id] else {
            changes[id] = change
            return
        }
        appended[place].entry.status = change.status
        appended[place].entry.attempts = change.attempts
        appended[place].entry.finishedAt = change.finishedAt
        appended[place].entry.detail = change.detail
    }

    private func command(
        _ index: Int, _ kind: SagaJournalEntry.Kind, saga: UUID, _ details: Process.Details,
        _ trace: TraceHeaders?
    ) throws -> OutgoingMessage {
        let step = process.definition.steps[index]
        let name = kind == .action ? step.name : step.compensation?.name ?? step.name
        let patience = kind == .action ? step.policy.patience : nil
        return try process.command(
            name, id: Self.commandID(saga: saga, step: index, kind: kind), saga: saga, details,
            deadline: patience.map { now.advanced(by: $0) }, trace: trace)
    }

    /// The same for every resend: the receiver's inbox recognises it. Different for each step of a saga, and as random as
    /// the saga's own id.
    static func commandID(saga: UUID, step: Int, kind: SagaJournalEntry.Kind) -> UUID {
        UUID(high: saga.high, low: saga.low ^ UInt64(step * 2 + (kind == .action ? 1 : 2)))
    }

    /// Everything to write and to say, for sagas that are new or were locked before.
    func effects(areNew: Bool = false) -> SagaEffects {
        var effects = SagaEffects()
        let sagas = states.map { (id: $0.key, state: $0.value) }.sorted { $0.id < $1.id }
        guard !sagas.isEmpty else { return effects }
        effects.writes.append(
            areNew
                ? SagaStatements.insert(sagas, definition: process.definition) : SagaStatements.update(sagas))
        if !appended.isEmpty { effects.writes.append(JournalStatements.insert(appended)) }
        if !changes.isEmpty {
            effects.writes.append(
                JournalStatements.update(changes.map { (saga: $0.key.saga, entry: $0.key.entry, change: $0.value) }))
        }
        var afterCommit: [@Sendable () -> Void] = []
        func include(_ part: SagaEffects) {
            effects.writes += part.writes
            effects.outgoing += part.outgoing
            if let run = part.afterCommit { afterCommit.append(run) }
        }
        for (step, sagas) in performed.sorted(by: { $0.key < $1.key }) {
            include(process.perform(step, for: sagas, now: now))
        }
        if !ended.isEmpty { include(process.conclude(ended, now: now)) }
        effects.outgoing += commands
        let run = afterCommit
        if !run.isEmpty { effects.afterCommit = { for each in run { each() } } }
        return effects
    }
}
