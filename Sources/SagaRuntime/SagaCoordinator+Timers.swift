import Clocks
import Messaging
import Postgres
import Saga
import Telemetry

/// Time advances sagas: what is due acts by itself.
extension SagaCoordinator {
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
                // What is due must not wait longer than the database is away.
                if let rest = (error as? PostgresError)?.retryAfter { wait = min(max(rest, .milliseconds(50)), wait) }
            }
            guard (try? await time.sleep(for: wait)) != nil else { return }
        }
    }

    var deadline: MonotonicInstant { time.now.advanced(by: configuration.transactionTimeout) }

    private func untilNextDue() async throws -> Duration {
        let nextDue = SagaStatements.nextDue(process.definition.name, versions: process.knownVersions)
        guard let row = try await postgres.query(nextDue, deadline: deadline).first else {
            return configuration.idleInterval
        }
        return min(max(.seconds(try row.double(0)), .milliseconds(10)), configuration.idleInterval)
    }

    /// Advances one batch of due sagas; answers how many were found.
    package func advanceDue() async throws -> Int {
        try await advanceDueBatch().found
    }

    private func advanceDueBatch() async throws -> (found: Int, advanced: Int) {
        let due = SagaStatements.due(
            process.definition.name, versions: process.knownVersions, limit: configuration.batchLimit)
        let rows = try await postgres.query(due, deadline: deadline)
        let ids = try rows.map { try $0.uuid(0) }
        guard !ids.isEmpty else { return (0, 0) }
        let advanced = try await unitOfWork.run(reads: reads(ids, areDue: true), deadline: deadline) { rows in
            let picture = try self.picture(rows, areDue: true)
            var batch = self.newBatch(picture.now)
            for record in picture.records.values {
                _ = try self.advance(record, in: picture, batch: &batch, trace: nil, isRepeatPaidFor: true) {
                    $0.timer(now: picture.now, jitter: $1)
                }
            }
            return self.decision(batch, result: batch.count)
        }
        return (ids.count, advanced)
    }
}
