import Clocks
import Contracts
import Messaging
import Postgres
import Resilience
import Saga
import Synchronization
import Telemetry

/// Advances sagas: by replies, by time, and by wishes to cancel.
///
/// Any process may advance any saga; it locks the saga's row and commits state, journal and messages together. A batch of
/// replies is one transaction for many sagas. What is due is found by the nearest due time in the table, so recovery
/// is continuous: a saga whose process died is simply due.
package final class SagaCoordinator<Process: SagaProcess>: Sendable {
    /// The bounds and rhythms of a coordinator.
    package struct Configuration: Sendable {
        /// How many due sagas are advanced in one transaction.
        package var batchLimit = 200
        /// How often the table is looked at when nothing says that something is due.
        package var idleInterval = Duration.seconds(2)
        package var transactionTimeout = Duration.seconds(10)

        package init() {}
    }

    package let process: Process
    let postgres: PostgresClient
    let unitOfWork: UnitOfWork
    let configuration: Configuration
    let time: any TimeSource
    let random: any RandomSource
    let log: Logger
    private let channels: (any CommandChannels)?
    private let budgets: RetryBudgets?
    let tracing: SagaTracing
    /// Commands that could not be paid for wait once more and are then sent all the same.
    private let repeats = DurableRepeats<UUID>()
    private let lastComplaint = Mutex<MonotonicInstant?>(nil)

    /// - Parameters:
    ///   - channels: the ways besides the outbox; nil where there are none.
    ///   - budgets: pay for sending commands again, from the account of who carries them out.
    package init(
        process: Process, postgres: PostgresClient, unitOfWork: UnitOfWork,
        configuration: Configuration = Configuration(), channels: (any CommandChannels)? = nil,
        budgets: RetryBudgets? = nil,
        time: any TimeSource, random: any RandomSource, log: Logger, tracer: Tracer? = nil
    ) {
        self.process = process
        self.postgres = postgres
        self.unitOfWork = unitOfWork
        self.configuration = configuration
        self.channels = channels
        self.budgets = budgets
        self.time = time
        self.random = random
        self.log = log
        tracing = SagaTracing(tracer: tracer)
    }

    /// What the start of sagas writes and says; to be part of the transaction that makes what they are about.
    package func start(
        _ sagas: [(id: UUID, details: Process.Details, trace: TraceHeaders)], now: Timestamp
    ) throws -> SagaEffects {
        var batch = newBatch(now)
        for saga in sagas {
            let jitter = random.nextUnit()
            let (state, actions) = SagaMachine.start(process.definition, now: now, jitter: jitter)
            var step = Step(machine: SagaMachine(process.definition, state), actions: actions)
            chooseWay(of: &step, now: now, jitter: jitter)
            try batch.add(
                step.actions, saga: saga.id, of: process.definition, state: step.machine.state, by: step.way,
                details: saga.details, trace: saga.trace)
            batch.tell(tracing.begin(saga.id, of: process.definition.name, saga.trace, at: now))
        }
        return batch.effects(areNew: true)
    }

    // MARK: One input to one saga

    /// What an input came to, and by which way its command goes.
    private struct Step {
        var machine: SagaMachine
        var actions: [SagaAction]
        var way = CommandWay.kafka

        /// The command that is sent by these actions: there is one at most.
        var sent: (name: String, attempt: Int)? {
            for case .send(let step, let kind, let attempt) in actions {
                return (machine.definition.command(step, kind), attempt)
            }
            return nil
        }
    }

    /// Applies one input to one saga; one of a version that is not known here, or without details, is left alone.
    ///
    /// - Parameter isRepeatPaidFor: whether sending a command again draws on the retry budget of who carries it out; what it
    ///   cannot pay for is put off.
    /// - Returns: the saga's new state; the old one when nothing has changed.
    func advance(
        _ record: SagaRecord, in picture: Picture, batch: inout SagaBatch<Process>, trace: TraceHeaders?,
        isRepeatPaidFor: Bool = false, _ input: (inout SagaMachine, Double) -> SagaTransition
    ) throws -> SagaState {
        guard let definition = process.definition(record.definition, version: record.version),
            let details = picture.details[record.id]
        else {
            leaveAlone(record)
            return record.state
        }
        let jitter = random.nextUnit()
        let before = SagaMachine(definition, record.state)
        var step = Step(machine: before, actions: [])
        switch input(&step.machine, jitter) {
        case .actions(let actions): step.actions = actions
        case .ignored(let reason):
            log.debug("a saga's input is ignored", ["orderId": .uuid(record.id), "reason": .text(reason)])
            return record.state
        }
        chooseWay(of: &step, before: before, now: picture.now, jitter: jitter)
        if isRepeatPaidFor, let sent = step.sent, sent.attempt > 1, !isLikelyLost(record, sent.attempt, picture.now),
            !pays(for: sent.name, of: record.id)
        {
            step = Step(machine: before, actions: [])
            guard case .actions(let actions) = step.machine.putOff(now: picture.now, jitter: jitter) else {
                return record.state
            }
            step.actions = actions
        }
        try batch.add(
            step.actions, saga: record.id, of: definition, state: step.machine.state, by: step.way, details: details,
            trace: trace)
        return step.machine.state
    }

    /// Decides by which way the step's command goes. Where there is none, the saga is parked in its place, and a repeat has
    /// cost no attempt.
    private func chooseWay(of step: inout Step, before: SagaMachine? = nil, now: Timestamp, jitter: Double) {
        guard let channels, let sent = step.sent else { return }
        step.way = channels.way(of: sent.name, attempt: sent.attempt)
        guard case .none(let wait) = step.way else { return }
        var parked = step
        if sent.attempt > 1, let before, before.state.status != .quarantined {
            parked.machine = before
            parked.actions = []
        }
        let early = Duration.nanoseconds(Int64(Double(wait.wholeNanoseconds) / 10 * jitter))
        guard case .actions(let parking) = parked.machine.park(until: now.advanced(by: wait - early)) else { return }
        parked.actions.removeAll { if case .send = $0 { true } else { false } }
        parked.actions += parking
        step = parked
    }

    /// Whether the sending before was most likely lost: the first repeat is then none to who carries it out, and nobody has
    /// to pay for it. Otherwise a broker that lost its log would be followed by a queue at the retry budget.
    private func isLikelyLost(_ record: SagaRecord, _ attempt: Int, _ now: Timestamp) -> Bool {
        guard let channels, attempt == 2, record.lastChannel == .kafka else { return false }
        return channels.mayHaveLost(record.state.stepStartedAt.duration(to: now))
    }

    private func pays(for command: String, of saga: UUID) -> Bool {
        guard let budgets, let dependency = process.dependency(of: command) else { return true }
        return repeats.mayRepeat(saga, paidFrom: budgets.budget(for: dependency))
    }

    /// An answer, whatever it says, shows that who was commanded works: it earns a share of a further command.
    func deposits(for commands: [String]) -> (@Sendable () -> Void)? {
        guard let budgets else { return nil }
        let earned = commands.compactMap { process.dependency(of: $0) }.map { budgets.budget(for: $0) }
        guard !earned.isEmpty else { return nil }
        return { for budget in earned { budget.deposit() } }
    }

    /// Somebody who knows its version will advance it. Said once a minute: there may be many of them for long.
    private func leaveAlone(_ record: SagaRecord) {
        let now = time.now
        let isTime = lastComplaint.withLock { last in
            if let last, last.duration(to: now) < .seconds(60) { return false }
            last = now
            return true
        }
        guard isTime else { return }
        log.warning(
            "a saga of a version not known here, or without details, is left alone",
            [
                "orderId": .uuid(record.id), "definition": .text(record.definition), "version": .count(record.version),
            ])
    }

    // MARK: Common

    /// Sagas as they were read, and when.
    struct Picture {
        var now: Timestamp
        var records: [UUID: SagaRecord]
        var details: [UUID: Process.Details]
    }

    func newBatch(_ now: Timestamp) -> SagaBatch<Process> {
        SagaBatch(process: process, now: now, channels: channels, tracing: tracing)
    }

    func reads(_ ids: [UUID], areDue: Bool = false) -> [Statement] {
        let lock = areDue ? SagaStatements.lockDue(ids) : SagaStatements.lock(ids)
        return [lock, process.loadDetails(of: ids), SagaStatements.now]
    }

    func picture(_ rows: [Rows], areDue: Bool = false) throws -> Picture {
        var picture = Picture(now: try rows[2][0].timestamp(0), records: [:], details: [:])
        for row in rows[0] {
            let record = try areDue ? SagaStatements.dueRecord(row) : SagaStatements.record(row)
            picture.records[record.id] = record
        }
        for row in rows[1] {
            do {
                let (saga, details) = try process.details(row)
                picture.details[saga] = details
            } catch {
                // One saga that cannot be read must not stop its neighbours.
                log.error("a saga's details cannot be read", ["error": .error(error)])
            }
        }
        return picture
    }

    func decision<Result: Sendable>(
        _ batch: SagaBatch<Process>, result: Result
    ) -> UnitOfWork.Decision<Result> {
        report(batch)
        let effects = batch.effects()
        return UnitOfWork.Decision(
            writes: effects.writes, outgoing: effects.outgoing, afterCommit: effects.afterCommit, result: result)
    }

    func report(_ batch: SagaBatch<Process>) {
        for (saga, compensation) in batch.quarantined {
            log.error(
                "a compensation was given up; the saga is quarantined",
                ["orderId": .uuid(saga), "compensation": .text(compensation)])
        }
    }
}
