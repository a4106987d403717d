import Clocks
import Kafka
import Postgres
import Synchronization
import Telemetry

/// Publishes what this process has committed, right after the commit, and repairs what a crash left behind.
///
/// Handlers pass their rows to ``enqueue(_:foreignOrders:)`` after the commit; nothing is polled for that. A sweep
/// looks about once a second for rows of processes that are gone and for own rows that memory does not have
/// (a commit whose answer was lost). Delivery is at least once: a row is deleted only after the broker has
/// acknowledged it, and a lost deletion publishes it again.
package final class OutboxRelay: Sendable {
    /// The bounds and rhythms of a relay.
    package struct Configuration: Sendable {
        /// How many rows memory holds; more stay in the table until it drains.
        package var memoryLimit = 20_000
        /// How many messages are handed to the broker at once.
        package var batchLimit = 500
        /// How long the broker may take to acknowledge a batch.
        package var publishTimeout = Duration.seconds(15)
        /// How often rows of dead processes are looked for.
        package var sweepInterval = Duration.seconds(1)
        /// Own rows unknown to memory are published after this age.
        package var ownRowAge = Duration.seconds(3)
        /// The wait after a failure, doubling up to `maximumBackoff`.
        package var minimumBackoff = Duration.milliseconds(50)
        package var maximumBackoff = Duration.seconds(2)

        package init() {}
    }

    private struct Box {
        var state: RelayState
        var statistics = Statistics()
    }

    /// What the relay has done since it started.
    package struct Statistics: Sendable {
        package var published: UInt64 = 0
        package var publishFailures: UInt64 = 0
        package var takenOver: UInt64 = 0
        package var lastFailure: String?
    }

    private let configuration: Configuration
    private let outbox: Outbox
    private let source: String
    private let postgres: PostgresClient
    private let publisher: any MessagePublisher
    private let time: any TimeSource
    private let log: Logger
    private let box: Mutex<Box>
    private let toSend = Signal()
    private let toDelete = Signal()
    private let toSweep = Signal()

    /// - Parameters:
    ///   - source: the CloudEvents source of rows that are read back.
    package init(
        outbox: Outbox, service: String, postgres: PostgresClient, publisher: any MessagePublisher,
        configuration: Configuration = Configuration(), time: any TimeSource, log: Logger
    ) {
        self.configuration = configuration
        self.outbox = outbox
        self.source = "/holdfast/\(service)"
        self.postgres = postgres
        self.publisher = publisher
        self.time = time
        self.log = log
        box = Mutex(Box(state: RelayState(limit: configuration.memoryLimit)))
    }

    /// Takes in rows whose transaction has committed; returns at once.
    package func enqueue(_ rows: [OutboxRow], foreignOrders: Set<UUID> = []) {
        guard !rows.isEmpty else { return }
        let isHeld = box.withLock { box in
            box.state.add(rows, waitingFor: foreignOrders)
            return !box.state.heldOrders.isEmpty || box.state.isBehind
        }
        toSend.notify()
        if isHeld { toSweep.notify() }
    }

    /// A transaction ended without saying whether it committed: its rows, if there, are read back by the sweep.
    package func expectUnknownCommit() {
        toSweep.notify()
    }

    package var statistics: Statistics { box.withLock { $0.statistics } }

    /// Publishes until cancelled; what is still unpublished then is in the table, for the next process.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sendLoop() }
            group.addTask { await self.deleteLoop() }
            group.addTask { await self.sweepLoop() }
            await group.waitForAll()
        }
    }

    /// Waits until everything known is published and deleted, or until `deadline`. For the drain at shutdown.
    package func flush(deadline: MonotonicInstant) async {
        while time.now < deadline, !Task.isCancelled, box.withLock({ $0.state.count > 0 }) {
            toSend.notify()
            toDelete.notify()
            try? await time.sleep(for: .milliseconds(5))
        }
    }

    private func sendLoop() async {
        var backoff = configuration.minimumBackoff
        while await toSend.wait() {
            while true {
                let rows = box.withLock { $0.state.takeBatch(maximum: configuration.batchLimit) }
                if rows.isEmpty { break }
                let failure = await send(rows)
                toDelete.notify()
                guard let failure else {
                    backoff = configuration.minimumBackoff
                    continue
                }
                log.warning("publishing failed, will be tried again", ["error": .text(failure)])
                guard (try? await time.sleep(for: backoff)) != nil else { return }
                backoff = min(backoff * 2, configuration.maximumBackoff)
            }
            if box.withLock({ $0.state.isBehind }) { toSweep.notify() }
        }
    }

    /// Sends one batch and records the answers; the first failure, if any.
    private func send(_ rows: [OutboxRow]) async -> String? {
        let results = await publisher.publish(
            rows.map(\.message), deadline: time.now.advanced(by: configuration.publishTimeout))
        var failure: String?
        let acknowledged = results.map { result -> Bool in
            guard let result else { return true }
            failure = failure ?? result.message
            return false
        }
        box.withLock { box in
            box.state.finishBatch(acknowledged: acknowledged)
            let failures = acknowledged.count { !$0 }
            box.statistics.published += UInt64(acknowledged.count - failures)
            box.statistics.publishFailures += UInt64(failures)
            if let failure { box.statistics.lastFailure = failure }
        }
        return failure
    }

    private func deleteLoop() async {
        while await toDelete.wait() {
            let rows = box.withLock { $0.state.takePublished() }
            if rows.isEmpty { continue }
            do {
                // Losing this commit publishes the rows a second time, which every consumer tolerates: no fsync.
                _ = try await postgres.batch(
                    [outbox.delete(rows)], options: TransactionOptions(synchronousCommit: false),
                    deadline: time.now.advanced(by: .seconds(10)))
                box.withLock { $0.state.forget(rows) }
            } catch {
                box.withLock { $0.state.keep(rows) }
                log.warning("deleting published messages failed, will be tried again", ["error": .error(error)])
                guard (try? await time.sleep(for: configuration.minimumBackoff)) != nil else { return }
                toDelete.notify()
            }
        }
    }

    private func sweepLoop() async {
        var wait = Duration.zero
        while await toSweep.wait(until: time.now.advanced(by: wait), time: time) {
            do {
                try await sweep()
                wait = box.withLock { $0.state.heldOrders.isEmpty } ? configuration.sweepInterval : .milliseconds(20)
            } catch {
                log.warning("the outbox sweep failed, will be tried again", ["error": .error(error)])
                wait = configuration.sweepInterval
            }
            // A burst of notifications is one sweep, not many.
            guard (try? await time.sleep(for: .milliseconds(10))) != nil else { return }
        }
    }

    private func sweep() async throws {
        let deadline = time.now.advanced(by: .seconds(10))
        try await releaseHeld(deadline: deadline)
        try await readBackOwn(deadline: deadline)
        for row in try await postgres.query(outbox.otherOwners(), deadline: deadline) {
            try await takeOver(from: try row.int8(0), deadline: deadline)
        }
    }

    private func releaseHeld(deadline: MonotonicInstant) async throws {
        let held = box.withLock { $0.state.heldOrders }
        guard !held.isEmpty else { return }
        let foreign = try await postgres.query(outbox.foreignOrders(among: held), deadline: deadline)
        let stillForeign = Set(try foreign.map { try $0.uuid(0) })
        box.withLock { $0.state.release(except: stillForeign) }
        toSend.notify()
    }

    /// Own rows that memory does not have: after an unknown commit (old rows only), or because memory was full.
    private func readBackOwn(deadline: MonotonicInstant) async throws {
        let (isBehind, hasRoom) = box.withLock { box in
            (box.state.isBehind, box.state.count < configuration.memoryLimit / 2)
        }
        guard hasRoom else { return }
        let limit = configuration.memoryLimit / 2
        if isBehind { box.withLock { $0.state.beginReadingBack() } }
        let age = isBehind ? Duration.zero : configuration.ownRowAge
        let rows = try await postgres.query(outbox.ownRows(olderThan: age, limit: limit), deadline: deadline)
        let own = try rows.map { try OutboxRow(row: $0, source: source) }
        box.withLock { box in
            box.state.addReadBack(own)
            if own.count == limit { box.state.markBehind() }
        }
        if !own.isEmpty { toSend.notify() }
    }

    private func takeOver(from owner: Int64, deadline: MonotonicInstant) async throws {
        while box.withLock({ $0.state.count < configuration.memoryLimit / 2 }) {
            let rows = try await postgres.query(outbox.takeOver(from: owner, limit: 1000), deadline: deadline)
            guard !rows.isEmpty else { return }
            // UPDATE … RETURNING promises no order; the sequence is the order of writing.
            let orphans = try rows.map { try OutboxRow(row: $0, source: source) }
                .sorted { $0.position.sequence < $1.position.sequence }
            box.withLock { box in
                box.state.addTakenOver(orphans)
                box.statistics.takenOver += UInt64(orphans.count)
            }
            log.info("took over messages of a process that is gone", ["count": .count(orphans.count)])
            toSend.notify()
        }
    }
}
