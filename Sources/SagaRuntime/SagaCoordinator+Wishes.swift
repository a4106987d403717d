import Clocks
import Messaging
import Postgres
import Saga
import Telemetry

/// What became of a wish about one saga.
package enum WishOutcome: Sendable, Hashable {
    /// The saga has taken it.
    case done
    /// The saga is as it was, for this reason.
    case ignored(String)
    /// There is no such saga.
    case notFound
    /// The saga is of a version that is not known here: another process has to be asked.
    case leftAlone
}

/// Customers, operators and the ways of commands want something of a saga; the lock on its row decides who comes first.
extension SagaCoordinator {
    /// Undoes the saga for this reason, if it has not passed the point of no return; nil when there is none to ask.
    ///
    /// - Parameter deadline: when nobody waits any more; the coordinator's own bound holds too.
    package func cancel(
        _ saga: UUID, reason: String, deadline: MonotonicInstant = .distantFuture
    ) async throws -> SagaMachine.Cancellation? {
        let answer = try await wish([saga], until: deadline) { machine, now, jitter in
            machine.cancel(reason: reason, now: now, jitter: jitter)
        }
        return answer[saga].flatMap { $0 }
    }

    /// Sends the command under way again now.
    package func retry(_ saga: UUID) async throws -> WishOutcome {
        try await operate(saga) { $0.retry(now: $1, jitter: $2) }
    }

    /// Takes up a compensation that was given up.
    package func redrive(_ saga: UUID) async throws -> WishOutcome {
        try await operate(saga) { $0.redrive(now: $1, jitter: $2) }
    }

    /// Takes up every compensation of this name that was given up; answers how many.
    package func redriveAll(_ compensation: String) async throws -> Int {
        var total = 0
        while true {
            let rows = try await postgres.query(
                SagaQueries.quarantined(in: compensation, limit: configuration.batchLimit), deadline: deadline)
            let sagas = try rows.map { try $0.uuid(0) }
            let outcomes = try await wish(sagas) { machine, now, jitter in
                (true, machine.redrive(now: now, jitter: jitter))
            }
            let taken = outcomes.values.count { $0 != nil }
            total += taken
            // Those of other versions are found again and again.
            if sagas.count < configuration.batchLimit || taken == 0 { return total }
        }
    }

    /// Parks sagas that still wait for the answer to these commands: who would carry them out cannot be reached.
    package func park(_ parked: [(saga: UUID, command: String, wait: Duration)]) async throws {
        var waits: [UUID: (command: String, wait: Duration)] = [:]
        for each in parked { waits[each.saga] = (each.command, each.wait) }
        let known = waits
        _ = try await wish(known.keys.sorted(), of: known.mapValues(\.command)) { saga, machine, now, _ in
            (true, machine.park(until: now.advanced(by: known[saga]?.wait ?? .zero)))
        }
    }

    private func operate(
        _ saga: UUID,
        _ input: @escaping @Sendable (inout SagaMachine, Timestamp, Double) -> SagaTransition
    ) async throws -> WishOutcome {
        let outcomes = try await wish([saga]) { machine, now, jitter -> (WishOutcome, SagaTransition) in
            let transition = input(&machine, now, jitter)
            switch transition {
            case .actions: return (.done, transition)
            case .ignored(let reason): return (.ignored(reason), transition)
            }
        }
        return outcomes[saga].map { $0 ?? .leftAlone } ?? .notFound
    }

    private func wish<Answer: Sendable>(
        _ sagas: [UUID], until end: MonotonicInstant = .distantFuture,
        _ input: @escaping @Sendable (inout SagaMachine, Timestamp, Double) -> (Answer, SagaTransition)
    ) async throws -> [UUID: Answer?] {
        try await wish(sagas, of: nil, until: end) { _, machine, now, jitter in input(&machine, now, jitter) }
    }

    /// One transaction for all these sagas; a saga of a version not known here has no answer, one that is not there no
    /// element.
    ///
    /// - Parameter commands: by saga, the command that has to be under way still; for others nothing happens.
    private func wish<Answer: Sendable>(
        _ sagas: [UUID], of commands: [UUID: String]?, until end: MonotonicInstant = .distantFuture,
        _ input: @escaping @Sendable (UUID, inout SagaMachine, Timestamp, Double) -> (Answer, SagaTransition)
    ) async throws -> [UUID: Answer?] {
        guard !sagas.isEmpty else { return [:] }
        return try await unitOfWork.run(reads: reads(sagas), deadline: min(end, deadline)) { rows in
            let picture = try self.picture(rows)
            var batch = self.newBatch(picture.now)
            var answers: [UUID: Answer?] = [:]
            for record in picture.records.values {
                answers[record.id] = .some(nil)
                _ = try self.advance(record, in: picture, batch: &batch, trace: nil) { machine, jitter in
                    if let command = commands?[record.id], machine.expectedCommand != command {
                        return .ignored("\(command) is not under way any more")
                    }
                    let (answer, transition) = input(record.id, &machine, picture.now, jitter)
                    answers[record.id] = answer
                    return transition
                }
            }
            return self.decision(batch, result: answers)
        }
    }
}
