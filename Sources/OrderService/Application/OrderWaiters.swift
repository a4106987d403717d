import Clocks
import Messaging
import Postgres
import Synchronization
import Telemetry

/// Requests that wait for their order's outcome (`Prefer: wait`).
///
/// The saga of this process signals at once, and ``OrderNotices`` when another replica has decided. What both miss is found
/// by one query a second for all waiting orders, asked only while there are any.
final class OrderWaiters: Sendable {
    fileprivate struct Waiter {
        var orderID: UUID
        var continuation: CheckedContinuation<Void, Never>
    }

    fileprivate struct State {
        var nextID: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        var byOrder: [UUID: Set<UInt64>] = [:]
    }

    private let postgres: PostgresClient
    private let time: any TimeSource
    private let log: Logger
    private let pollInterval: Duration
    private let state = Mutex(State())
    private let someoneWaits = Signal()

    init(
        postgres: PostgresClient, time: any TimeSource, log: Logger, pollInterval: Duration = .seconds(1)
    ) {
        self.postgres = postgres
        self.time = time
        self.log = log
        self.pollInterval = pollInterval
    }

    /// Returns when the order may have its outcome, at `deadline`, or when the task is cancelled; ask afterwards.
    func wait(for orderID: UUID, until deadline: MonotonicInstant) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.suspend(for: orderID) }
            group.addTask { try? await self.time.sleep(until: deadline) }
            await group.next()
            group.cancelAll()
        }
    }

    private func suspend(for orderID: UUID) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    guard !Task.isCancelled else { return true }
                    state.waiters[id] = Waiter(orderID: orderID, continuation: continuation)
                    state.byOrder[orderID, default: []].insert(id)
                    return false
                }
                if isCancelled { continuation.resume() } else { someoneWaits.notify() }
            }
        } onCancel: {
            state.withLock { $0.remove(id) }?.resume()
        }
    }

    /// These orders have their outcome. Must be called after the commit.
    func signal(_ orders: some Sequence<UUID>) {
        let continuations = state.withLock { state in
            orders.flatMap { order in (state.byOrder[order] ?? []).compactMap { state.remove($0) } }
        }
        for continuation in continuations { continuation.resume() }
    }

    /// Looks for what other replicas have decided, until cancelled.
    func run() async {
        while await someoneWaits.wait() {
            while case let waiting = state.withLock({ Array($0.byOrder.keys) }), !waiting.isEmpty {
                guard (try? await time.sleep(for: pollInterval)) != nil else { return }
                do {
                    let decided = try await postgres.query(
                        OrderStatements.decided(among: waiting), deadline: time.now.advanced(by: .seconds(2)))
                    signal(try decided.map { try $0.uuid(0) })
                } catch {
                    log.debug("waiting orders could not be looked up", ["error": .error(error)])
                }
            }
        }
    }
}

extension OrderWaiters.State {
    fileprivate mutating func remove(_ id: UInt64) -> CheckedContinuation<Void, Never>? {
        guard let waiter = waiters.removeValue(forKey: id) else { return nil }
        byOrder[waiter.orderID]?.remove(id)
        if byOrder[waiter.orderID]?.isEmpty == true { byOrder[waiter.orderID] = nil }
        return waiter.continuation
    }
}
