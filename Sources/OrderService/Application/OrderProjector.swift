import Clocks
import Contracts
import Messaging
import Postgres
import Telemetry

/// Shows what became of orders: numbers the facts into the feed and brings the view up to date.
///
/// Every replica has one and whichever comes first works; a row lock keeps it to one at a time. It is woken by this
/// process's commits and looks once a second for what other processes have left.
struct OrderProjector: Sendable {
    /// Bounds and times of a projector.
    struct Configuration: Sendable {
        /// How many facts are shown in one transaction.
        var batch = 500
        /// How long facts of other processes may lie there before they are looked for.
        var idleInterval = Duration.seconds(1)
        /// How long after a projection the next one begins, if facts come that fast: what comes meanwhile is shown together.
        var minimumInterval = Duration.milliseconds(4)
        var transactionTimeout = Duration.seconds(10)

        init() {}
    }

    private let postgres: PostgresClient
    private let configuration: Configuration
    private let time: any TimeSource
    private let log: Logger
    private let facts = Signal()
    private let shown: @Sendable () -> Void

    /// - Parameter shown: called after each commit that added to the feed; must not block.
    init(
        postgres: PostgresClient, configuration: Configuration = Configuration(), time: any TimeSource, log: Logger,
        shown: @escaping @Sendable () -> Void = {}
    ) {
        self.postgres = postgres
        self.configuration = configuration
        self.time = time
        self.log = log
        self.shown = shown
    }

    /// Facts were committed by this process; returns at once.
    func notify() { facts.notify() }

    /// Shows facts until cancelled.
    func run() async {
        var failures = 0
        while !Task.isCancelled {
            var pause = configuration.idleInterval
            do {
                let count = try await project()
                if count == configuration.batch { continue }
                failures = 0
                if count > 0 { try await time.sleep(for: configuration.minimumInterval) }
            } catch {
                log.debug("facts about orders could not be shown", ["error": .error(error)])
                failures = min(failures + 1, 5)
                pause = configuration.idleInterval * failures
            }
            _ = await facts.wait(until: time.now.advanced(by: pause), time: time)
        }
    }

    /// Before a list is read: shows what is there already, so that who placed an order finds it, waiting for another process
    /// that is at it. Under more changes than a batch the list lags instead; so it does when this fails.
    func catchUp() async {
        do {
            _ = try await project(waits: true)
        } catch {
            log.debug("facts about orders could not be shown before a list", ["error": .error(error)])
        }
    }

    /// Shows what is there, at most a batch of it; returns how many facts that were, zero while another process does it
    /// unless this one `waits` for it.
    @discardableResult
    func project(waits: Bool = false) async throws -> Int {
        let deadline = time.now.advanced(by: configuration.transactionTimeout)
        let count = try await postgres.transaction(deadline: deadline) { [batch = configuration.batch] transaction in
            let rows = try transaction.pipeline([
                waits ? OrderViewStatements.awaitProjector : OrderViewStatements.becomeProjector,
                OrderViewStatements.facts(limit: batch),
            ])
            guard let counter = rows[0].first, rows[1].count > 0 else { return 0 }
            let last = try counter.int8(0)
            let changes = try rows[1].map { row in
                StatusChange(
                    orderID: try row.uuid(1), status: try row.rawValue(2),
                    reason: try row.optionalText(3).flatMap(Reason.init(rawValue:)), at: try row.timestamp(4))
            }
            try transaction.commit(after: [
                OrderViewStatements.feed(changes, from: last + 1),
                OrderViewStatements.refresh(Set(changes.map(\.orderID)).sorted()),
                OrderViewStatements.forget(facts: try rows[1].map { try $0.int8(0) }),
                OrderViewStatements.numbered(to: last + Int64(changes.count)),
            ])
            return changes.count
        }
        if count > 0 { shown() }
        return count
    }

    // MARK: Keeping

    /// Writes the view anew from the orders behind `id`, in the order of their ids and in pieces, while it goes on being read
    /// and followed.
    ///
    /// - Returns: how many orders were written, and behind which one to go on; nil when there are no more.
    func rebuild(after id: UUID? = nil, atMost limit: Int = .max) async throws -> (count: Int, last: UUID?) {
        var (last, count) = (id ?? UUID(high: 0, low: 0), 0)
        while count < limit {
            let from = last
            let written = try await postgres.transaction(
                deadline: time.now.advanced(by: configuration.transactionTimeout)
            ) { [batch = configuration.batch] transaction in
                // What is read here must not be written over something newer.
                _ = try transaction.pipeline([OrderViewStatements.awaitProjector])
                let rows = try transaction.commit(after: [OrderViewStatements.refresh(after: from, limit: batch)])
                return try rows[0].map { try $0.uuid(0) }
            }
            guard let greatest = written.max() else { return (count, nil) }
            (last, count) = (greatest, count + written.count)
        }
        return (count, last)
    }
}
