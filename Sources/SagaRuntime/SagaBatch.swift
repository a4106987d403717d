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
    private var commands: [OutgoingMessage] = []
    private var direct: [DirectCommand] = []
    /// Compensations that were given up: an operator has to look.
    private(set) var quarantined: [(saga: UUID, compensation: String)] = []

    private struct EntryID: Hashable {
        var saga: UUID
        var entry: Int
    }

    private let channels: (any CommandChannels)?
    private let tracing: SagaTracing
    private var spans: [SagaTracing.Span] = []

    init(
        process: Process, now: Timestamp, channels: (any CommandChannels)? = nil,
        tracing: SagaTracing = SagaTracing(tracer: nil)
    ) {
        self.tracing = tracing
        self.process = process
        self.now = now
        self.channels = channels
    }

    /// How many sagas have changed.
    var count: Int { states.count }

    /// Takes in a span, to be told after the commit.
    mutating func tell(_ span: SagaTracing.Span?) {
        if let span { spans.append(span) }
    }

    /// Takes in the actions of one transition, the command among them by this way.
    mutating func add(
        _ actions: [SagaAction], saga: UUID, of definition: SagaDefinition, state: SagaState, by way: CommandWay,
        details: Process.Details, trace: TraceHeaders?
    ) throws {
        states[saga] = state
        for action in actions {
            switch action {
            case .append(var entry):
                if entry.channel == .kafka, way == .direct { entry.channel = .http }
                appendedPlaces[EntryID(saga: saga, entry: entry.index)] = appended.count
                appended.append((saga, entry))
            case .update(let entry, let status, let attempts, let finishedAt, let detail):
                let change = JournalStatements.Change(
                    status: status, attempts: attempts, channel: changes[EntryID(saga: saga, entry: entry)]?.channel,
                    finishedAt: finishedAt, detail: detail)
                apply(change, to: EntryID(saga: saga, entry: entry))
            case .send(let step, let kind, _):
                let command = definition.command(step, kind)
                let message = try message(
                    command, of: definition.steps[step], step, kind, saga, state, details,
                    tracing.step(command, of: saga, below: trace))
                note(way, EntryID(saga: saga, entry: state.entries - 1))
                guard way == .direct else {
                    commands.append(message)
                    continue
                }
                let patience = state.dueAt.map { now.duration(to: $0) } ?? .zero
                direct.append(DirectCommand(saga: saga, name: command, message: message, patience: patience))
            case .perform(let step): performed[definition.steps[step].name, default: []].append(saga)
            case .finished(let outcome):
                ended.append(EndedSaga(id: saga, outcome: outcome, startedAt: state.startedAt))
            case .quarantined(let compensation): quarantined.append((saga, compensation))
            }
        }
    }

    /// A command under way is that of the last entry; a repeat may go by another way than the first.
    private mutating func note(_ way: CommandWay, _ entry: EntryID) {
        changes[entry]?.channel = way == .direct ? .http : .kafka
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

    private func message(
        _ command: String, of step: SagaStep, _ index: Int, _ kind: SagaJournalEntry.Kind, _ saga: UUID,
        _ state: SagaState, _ details: Process.Details, _ trace: TraceHeaders?
    ) throws -> OutgoingMessage {
        let patience = kind == .action ? step.policy.patience : nil
        return try process.command(
            command, id: Self.commandID(saga: saga, step: index, kind: kind), saga: saga, details,
            wantedFor: patience.map { now.duration(to: startOfStep(index, state).advanced(by: $0)) }, trace: trace)
    }

    /// When the saga began to wait for the step: what is sent again does not become wanted for longer by that.
    ///
    /// A command of an earlier step of the same transition has been answered already; it is sent all the same.
    private func startOfStep(_ index: Int, _ state: SagaState) -> Timestamp {
        state.position == index ? state.stepStartedAt : now
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
        if let channels, !direct.isEmpty {
            afterCommit.append { [direct] in channels.send(direct) }
        }
        let run = spans + afterCommit
        if !run.isEmpty { effects.afterCommit = { for each in run { each() } } }
        return effects
    }
}

extension SagaDefinition {
    /// The name of the command that carries out the step with this index, or undoes it.
    func command(_ step: Int, _ kind: SagaJournalEntry.Kind) -> String {
        let step = steps[step]
        return kind == .action ? step.name : step.compensation?.name ?? step.name
    }
}
