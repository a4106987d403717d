import Clocks
import Contracts
import Messaging
import Postgres
import Saga
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
    private let postgres: PostgresClient
    private let unitOfWork: UnitOfWork
    private let configuration: Configuration
    private let time: any TimeSource
    private let random: any RandomSource
    private let log: Logger

    package init(
        process: Process, postgres: PostgresClient, unitOfWork: UnitOfWork,
        configuration: Configuration = Configuration(), time: any TimeSource, random: any RandomSource, log: Logger
    ) {
        self.process = process
        self.postgres = postgres
        self.unitOfWork = unitOfWork
        self.configuration = configuration
        self.time = time
        self.random = random
        self.log = log
    }

    /// What the start of sagas writes and says; to be part of the transaction that makes what they are about.
    package func start(
        _ sagas: [(id: UUID, details: Process.Details, trace: TraceHeaders)], now: Timestamp
    ) throws -> SagaEffects {
        var batch = SagaBatch(process: process, now: now)
        for saga in sagas {
            let (state, actions) = SagaMachine.start(process.definition, now: now, jitter: random.nextUnit())
            try batch.add(actions, saga: saga.id, state: state, details: saga.details, trace: saga.trace)
        }
        return batch.effects(areNew: true)
    }

    // MARK: Time

    /// Advances what is due until cancelled.
    package func runTimers() async {
        while !Task.isCancelled {
            var wait = configuration.idleInterval
            do {
                var (found, advanced) = (0, 0)
                repeat { (found, advanced) = try await advanceDueBatch() } while advanced == configuration.batchLimit
                // What is due and cannot be advanced stays due: it is looked at again, but not without pause.
                if found == 0 || advanced > 0 { wait = try await untilNextDue() }
            } catch {
                if Task.isCancelled { return }
                log.warning("due sagas could not be advanced, will be tried again", ["error": .error(error)])
            }
            guard (try? await time.sleep(for: wait)) != nil else { return }
        }
    }

    private var deadline: MonotonicInstant { time.now.advanced(by: configuration.transactionTimeout) }

    private func untilNextDue() async throws -> Duration {
        guard let row = try await postgres.query(SagaStatements.nextDue(process.definition), deadline: deadline).first
        else {
            return configuration.idleInterval
        }
        return min(max(.seconds(try row.double(0)), .milliseconds(10)), configuration.idleInterval)
    }

    /// Advances one batch of due sagas; answers how many were found.
    package func advanceDue() async throws -> Int {
        try await advanceDueBatch().found
    }

    private func advanceDueBatch() async throws -> (found: Int, advanced: Int) {
        let due = SagaStatements.due(process.definition, limit: configuration.batchLimit)
        let rows = try await postgres.query(due, deadline: deadline)
        let ids = try rows.map { try $0.uuid(0) }
        guard !ids.isEmpty else { return (0, 0) }
        let advanced = try await unitOfWork.run(reads: reads(ids, skipsLocked: true), deadline: deadline) { rows in
            let picture = try self.picture(rows)
            var batch = SagaBatch(process: self.process, now: picture.now)
            for record in picture.records.values {
                try self.advance(record, in: picture, batch: &batch, trace: nil) { machine, jitter in
                    machine.timer(now: picture.now, jitter: jitter)
                }
            }
            return self.decision(batch, result: batch.count)
        }
        return (ids.count, advanced)
    }

    // MARK: Common

    private struct Picture {
        var now: Timestamp
        var records: [UUID: SagaRecord]
        var details: [UUID: Process.Details]
    }

    private func reads(_ ids: [UUID], skipsLocked: Bool) -> [Statement] {
        [SagaStatements.lock(ids, skipsLocked: skipsLocked), process.loadDetails(of: ids), SagaStatements.now]
    }

    private func picture(_ rows: [Rows]) throws -> Picture {
        var picture = Picture(now: try rows[2][0].timestamp(0), records: [:], details: [:])
        for row in rows[0] {
            let record = try SagaStatements.record(row)
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

    /// Applies one input to one saga; one of a version that is not known here, or without details, is left alone.
    private func advance(
        _ record: SagaRecord, in picture: Picture, batch: inout SagaBatch<Process>, trace: TraceHeaders?,
        _ input: (inout SagaMachine, Double) -> SagaTransition
    ) throws {
        let definition = process.definition
        guard record.definition == definition.name, record.version == definition.version,
            let details = picture.details[record.id]
        else {
            log.warning(
                "a saga of a version not known here, or without details, is left alone",
                [
                    "orderId": .uuid(record.id), "definition": .text(record.definition),
                    "version": .count(record.version),
                ])
            return
        }
        var machine = SagaMachine(definition, record.state)
        switch input(&machine, random.nextUnit()) {
        case .actions(let actions):
            try batch.add(
                actions, saga: record.id, state: machine.state, details: details, trace: trace)
        case .ignored(let reason):
            log.debug("a saga's input is ignored", ["orderId": .uuid(record.id), "reason": .text(reason)])
        }
    }

    private func decision<Result: Sendable>(
        _ batch: SagaBatch<Process>, result: Result
    ) -> UnitOfWork.Decision<Result> {
        report(batch)
        let effects = batch.effects()
        return UnitOfWork.Decision(
            writes: effects.writes, outgoing: effects.outgoing, afterCommit: effects.afterCommit, result: result)
    }

    private func report(_ batch: SagaBatch<Process>) {
        for (saga, compensation) in batch.quarantined {
            log.error(
                "a compensation was given up; the saga is quarantined",
                ["orderId": .uuid(saga), "compensation": .text(compensation)])
        }
    }
}

/// Replies advance sagas; they need no inbox, for the saga knows which one it waits for.
extension SagaCoordinator: MessageHandler {
    package func reads(for messages: [IncomingMessage]) -> [Statement] {
        reads(Set(messages.map(\.envelope.orderID)).sorted(), skipsLocked: false)
    }

    package func handle(_ messages: [IncomingMessage], rows: [Rows]) throws -> HandledBatch {
        var picture = try picture(rows)
        var batch = SagaBatch(process: process, now: picture.now)
        var handled = HandledBatch()
        for message in messages {
            let reply: CommandReply
            do {
                guard message.envelope.type == MessageType.commandReply else {
                    throw ContractError(type: message.envelope.type, detail: "the saga waits for replies only")
                }
                reply = try CommandReply(decoding: message.envelope.payload)
            } catch {
                handled.refused[message.envelope.id] = "\(error)"
                continue
            }
            guard let record = picture.records[reply.orderID] else {
                handled.refused[message.envelope.id] = "there is no saga \(reply.orderID)"
                continue
            }
            var state = record.state
            try advance(record, in: picture, batch: &batch, trace: message.envelope.trace) { machine, jitter in
                defer { state = machine.state }
                return machine.reply(to: reply.command, reply.sagaReply, now: picture.now, jitter: jitter)
            }
            // A later reply of the batch to the same saga sees this one's effect.
            picture.records[reply.orderID]?.state = state
        }
        report(batch)
        let effects = batch.effects()
        handled.writes = effects.writes
        handled.outgoing = effects.outgoing
        handled.afterCommit = effects.afterCommit
        return handled
    }
}

extension CommandReply {
    fileprivate var sagaReply: SagaReply {
        switch outcome {
        case .succeeded: .succeeded
        case .failed: .failed(reason: reason?.rawValue ?? "unknown")
        case .nothingToUndo: .nothingToUndo
        }
    }
}
