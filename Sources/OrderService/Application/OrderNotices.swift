import Clocks
import Messaging
import Postgres
import Synchronization
import Telemetry

/// Tells other replicas which orders have their outcome, so that whoever waits there hears of it at once.
///
/// Notices are said outside the transactions they are about, many orders in one, and only while there is somebody to hear
/// them. They are hints: what is missed is found by ``OrderWaiters`` asking the table.
final class OrderNotices: Sendable {
    private static let channel = "orders_decided"
    /// A notification holds less than 8000 bytes.
    private static let ordersPerNotice = 200
    private static let censusInterval = Duration.seconds(5)

    private let postgres: PostgresClient
    private let listener: PostgresListener
    private let time: any TimeSource
    private let log: Logger
    private let decided = Mutex<[UUID]>([])
    private let hasListeners = Atomic(false)
    private let wakeUp = Signal()

    /// - Parameter configuration: the database's, for the listener's own connection.
    init(
        postgres: PostgresClient, configuration: PostgresConfiguration, waiters: OrderWaiters, time: any TimeSource,
        log: Logger
    ) {
        self.postgres = postgres
        self.time = time
        self.log = log
        listener = PostgresListener(configuration: configuration, channels: [Self.channel], time: time) { notice in
            switch notice {
            case .notification(_, let payload): waiters.signal(payload.split(separator: ",").compactMap { UUID($0) })
            case .mayHaveMissed: break
            }
        }
    }

    /// These orders have their outcome; returns at once. Must be called after the commit.
    func tell(_ orders: [UUID]) {
        guard hasListeners.load(ordering: .relaxed) else { return }
        decided.withLock { $0 += orders }
        wakeUp.notify()
    }

    /// Listens and tells until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.listener.run() }
            group.addTask { await self.countListeners() }
            group.addTask { await self.sendNotices() }
            await group.waitForAll()
        }
    }

    private func countListeners() async {
        let others = Statement(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE '%-listener'
            """)
        repeat {
            // This replica's own listener is one of them.
            let count = try? await postgres.query(others, deadline: time.now.advanced(by: .seconds(2))).first?.int8(0)
            hasListeners.store((count ?? 2) > 1, ordering: .relaxed)
        } while (try? await time.sleep(for: Self.censusInterval)) != nil
    }

    private func sendNotices() async {
        while await wakeUp.wait() {
            while case let orders = take(), !orders.isEmpty {
                let payload = orders.map(\.description).joined(separator: ",")
                do {
                    _ = try await postgres.batch(
                        [Statement("SELECT pg_notify($1::text, $2::text)", [.text(Self.channel), .text(payload)])],
                        options: TransactionOptions(synchronousCommit: false),
                        deadline: time.now.advanced(by: .seconds(2)))
                } catch {
                    log.debug("a notice could not be given", ["error": .error(error)])
                }
            }
        }
    }

    private func take() -> [UUID] {
        decided.withLock { decided in
            let orders = Array(decided.prefix(Self.ordersPerNotice))
            decided.removeFirst(orders.count)
            return orders
        }
    }
}
