import Clocks
import Defects
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
        /// While no other process is there, published batches are deleted together, this often at most. Else they are deleted
        /// at once: the other one's messages of the same orders wait for that.
        package var deletionInterval = Duration.milliseconds(200)
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
        /// No other process of the service was there at the last sweep.
        var isAlone = false
        var statistics = Statistics()
    }

    /// What the relay has done since it started.
    package struct Statistics: Sendable {
        package var published: UInt64 = 0
        package var publishFailures: UInt64 = 0
        package var takenOver: UInt64 = 0
        package var lastFailure: String?
    }

    /// How many batches are taken over in one transaction.
    private static let takenOverAtOnce = 32

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
        // While the broker is away nothing goes out anyway, and the sweep comes round by itself.
        if isHeld, publisher.pause == nil { toSweep.notify() }
    }

    /// A transaction about these orders ended without saying whether it committed: its rows, if there, are read back by the
    /// sweep, and what follows of these orders waits until then.
    package func expectUnknownCommit(of orders: Set<UUID>) {
        let instant = time.now.advanced(by: configuration.ownRowAge)
        box.withLock { $0.state.expect(orders, until: instant) }
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

    /// Waits until everything known is published and deleted, or until `deadline`, but not for a broker that is away. For
    /// the drain at shutdown.
    package func flush(deadline: MonotonicInstant) async {
        while time.now < deadline, publisher.pause == nil, !Task.isCancelled, box.withLock({ $0.state.count > 0 }) {
            toSend.notify()
            toDelete.notify()
            try? await time.sleep(for: .milliseconds(5))
        }
    }

    private func sendLoop() async {
        var backoff = configuration.minimumBackoff
        while await toSend.wait() {
            while box.withLock({ $0.state.canSend }) {
                if let pause = publisher.pause {
                    // What is committed waits where it is safe, in its order.
                    guard (try? await time.sleep(for: min(pause, configuration.maximumBackoff))) != nil else { return }
                    continue
                }
                let rows = box.withLock { $0.state.takeBatch(maximum: configuration.batchLimit) }
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
        CrashPoint.afterPublish.pass()
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
        var mayWaitUntil = time.now
        while await toDelete.wait() {
            if box.withLock(\.isAlone), time.now < mayWaitUntil {
                guard (try? await time.sleep(until: mayWaitUntil)) != nil else { return }
            }
            mayWaitUntil = time.now.advanced(by: configuration.deletionInterval)
            let batches = box.withLock { $0.state.takePublished() }
            if batches.isEmpty { continue }
            do {
                // Losing this commit publishes them a second time, which every consumer tolerates: no fsync.
                _ = try await postgres.batch(
                    [outbox.delete(batches)], options: TransactionOptions(synchronousCommit: false),
                    deadline: time.now.advanced(by: .seconds(10)))
                box.withLock { $0.state.forget(batches) }
            } catch {
                box.withLock { $0.state.keep(batches) }
                log.warning("deleting published messages failed, will be tried again", ["error": .error(error)])
                let pause = max(configuration.minimumBackoff, error.retryAfter ?? .zero)
                guard (try? await time.sleep(for: pause)) != nil else { return }
                toDelete.notify()
            }
        }
    }

    private func sweepLoop() async {
        var wait = Duration.zero
        while await toSweep.wait(until: time.now.advanced(by: wait), time: time) {
            do {
                try await sweep()
                let hurries = publisher.pause == nil && box.withLock { !$0.state.heldOrders.isEmpty }
                wait = hurries ? .milliseconds(20) : configuration.sweepInterval
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
        let isAlone = try await postgres.query(outbox.isAlone(), deadline: deadline)[0].bool(0)
        box.withLock { $0.isAlone = isAlone }
        if Defect.outboxNotSwept.isOn { return }
        _ = try await postgres.query(Outbox.adoptFormer, deadline: deadline)
        for row in try await postgres.query(outbox.otherOwners(), deadline: deadline) {
            try await takeOver(from: try row.int8(0), deadline: deadline)
        }
    }

    private func releaseHeld(deadline: MonotonicInstant) async throws {
        let held = box.withLock { $0.state.newestHeld }
        guard !held.isEmpty else { return }
        var foreign: [UUID: Int64] = [:]
        for row in try await postgres.query(outbox.oldestForeign(before: held), deadline: deadline) {
            foreign[try row.uuid(0)] = OutboxRow.Position.sequence(batch: try row.int8(1))
        }
        let oldestForeign = foreign
        box.withLock { $0.state.release(upTo: held, before: oldestForeign) }
        toSend.notify()
    }

    /// Own rows that memory does not have: after an unknown commit (old rows only), or because memory was full.
    private func readBackOwn(deadline: MonotonicInstant) async throws {
        let now = time.now
        let look = box.withLock { box -> (isBehind: Bool, orders: [UUID])? in
            guard box.state.hasRoomToReadBack else { return nil }
            return (box.state.isBehind, box.state.beginReadingBack(at: now))
        }
        guard let (isBehind, orders) = look else { return }
        let limit = configuration.memoryLimit / 2
        let age = isBehind ? Duration.zero : configuration.ownRowAge
        let own: [OutboxRow]
        do {
            var rows = Array(try await postgres.query(outbox.ownRows(olderThan: age, limit: limit), deadline: deadline))
            if !orders.isEmpty {
                // Whatever their age: these are waited for. What is among the others already counts once.
                rows += try await postgres.query(outbox.ownRows(of: orders), deadline: deadline)
            }
            own = Set(try rows.map { try OutboxRow(row: $0, source: source) })
                .sorted { $0.position.sequence < $1.position.sequence }
        } catch {
            box.withLock { $0.state.failReadingBack(wasBehind: isBehind) }
            toSend.notify()
            throw error
        }
        _ = box.withLock { $0.state.addReadBack(own, isComplete: own.count < limit) }
        // Also what was put aside meanwhile can go now.
        toSend.notify()
    }

    private func takeOver(from owner: Int64, deadline: MonotonicInstant) async throws {
        while box.withLock({ $0.state.count < configuration.memoryLimit / 2 }) {
            let rows = try await postgres.query(
                outbox.takeOver(from: owner, limit: Self.takenOverAtOnce), deadline: deadline)
            guard !rows.isEmpty else { return }
            // A join promises no order; the sequence is the order of writing.
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
