import Clocks
import Contracts
import HTTPCodec
import Messaging
import Postgres
import SagaRuntime
import ServiceChassis
import Telemetry

/// Writes batches of orders.
struct OrderWriter: Sendable {
    private let unitOfWork: UnitOfWork
    private let coordinator: SagaCoordinator<PlaceOrderProcess>
    private let messages: MessageFactory
    private let metrics: OrderMetrics
    private let projector: OrderProjector
    private let timeout: Duration
    private let time: any TimeSource
    private let log: Logger
    private let keys = IdempotencyStore()

    init(
        unitOfWork: UnitOfWork, coordinator: SagaCoordinator<PlaceOrderProcess>, messages: MessageFactory,
        metrics: OrderMetrics, projector: OrderProjector, timeout: Duration = .seconds(10), time: any TimeSource,
        log: Logger
    ) {
        self.unitOfWork = unitOfWork
        self.coordinator = coordinator
        self.messages = messages
        self.metrics = metrics
        self.projector = projector
        self.timeout = timeout
        self.time = time
        self.log = log
    }

    func write(_ orders: [PricedOrder]) async -> [Result<IntakeAnswer, any Error>] {
        do {
            return try await attempt(orders)
        } catch let error as PostgresError where error.isLockTimeout && orders.count == 1 {
            return [.failure(ProblemDetails.idempotencyKeyInFlight)]
        } catch let error where orders.count > 1 && Self.isWorthSplitting(error) {
            // One order's trouble (a key that another process holds) must not be its neighbours'.
            log.warning("a batch of orders failed and is written one by one", ["error": .error(error)])
            var results: [Result<IntakeAnswer, any Error>] = []
            for order in orders { results += await write([order]) }
            return results
        } catch {
            return orders.map { _ in .failure(error) }
        }
    }

    /// Splitting helps when the server refused; not when it is away, nor when it may have committed.
    private static func isWorthSplitting(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return true }
        if case .server = error { return true }
        return false
    }

    private func attempt(_ orders: [PricedOrder]) async throws -> [Result<IntakeAnswer, any Error>] {
        // Of several orders with one key in this batch the first is written, the others find its record.
        var firsts: [IdempotencyKey: Int] = [:]
        for (index, order) in orders.enumerated() where firsts[order.record.key] == nil {
            firsts[order.record.key] = index
        }
        let isFirst = orders.indices.map { firsts[orders[$0].record.key] == $0 }
        let candidates = zip(orders, isFirst).filter(\.1).map(\.0)
        let now = time.wallNow
        let reads = [
            IdempotencyStore.boundWaiting, keys.insert(candidates.map(\.record), at: now),
            keys.lookUp(candidates.map(\.record.key)), SagaStatements.now,
        ]
        return try await unitOfWork.run(reads: reads, deadline: deadline(of: orders)) { rows in
            let taken = try IdempotencyStore.keys(rows[1])
            let stored = try IdempotencyStore.records(rows[2])
            let fresh = candidates.filter { taken.contains($0.record.key) }
            let results = orders.enumerated().map { index, order -> Result<IntakeAnswer, any Error> in
                let key = order.record.key
                if taken.contains(key), isFirst[index] { return .success(.accepted(order.record.answer)) }
                guard let record = stored[key] else { return .failure(ProblemDetails.idempotencyKeyInFlight) }
                return Result { .replayed(try record.answer(to: order.record.fingerprint)) }
            }
            guard !fresh.isEmpty else { return UnitOfWork.Decision(result: results) }
            return try self.decision(fresh, results: results, databaseNow: try rows[3][0].timestamp(0))
        }
    }

    /// When the last of those who wait has gone, within bounds: a transaction is not broken off for somebody in a hurry, for
    /// that would cost all a connection.
    private func deadline(of orders: [PricedOrder]) -> MonotonicInstant {
        let now = time.now
        let last = orders.map(\.deadline).max() ?? .distantFuture
        return min(max(last, now.advanced(by: .seconds(1))), now.advanced(by: timeout))
    }

    private func decision(
        _ fresh: [PricedOrder], results: [Result<IntakeAnswer, any Error>], databaseNow: Timestamp
    ) throws -> UnitOfWork.Decision<[Result<IntakeAnswer, any Error>]> {
        let start = try coordinator.start(
            fresh.map { priced in
                let details = PlaceOrderProcess.Details(
                    currency: priced.order.currency, total: priced.order.total,
                    lines: priced.order.lines.map { OrderLine(sku: $0.sku, quantity: $0.quantity) },
                    shipTo: priced.order.shipTo, paymentToken: priced.paymentToken)
                return (id: priced.order.id, details: details, trace: priced.trace)
            }, now: databaseNow)
        let placed = fresh.map { priced in
            messages.message(
                to: .orderEvents, type: MessageType.orderPlaced, orderID: priced.order.id,
                trace: priced.trace,
                payload: OrderFact(
                    orderID: priced.order.id,
                    amount: Money(amount: priced.order.total, currency: priced.order.currency),
                    at: priced.order.createdAt
                ).encoded)
        }
        return UnitOfWork.Decision(
            writes: [
                OrderStatements.insert(fresh.map { ($0.order, $0.paymentToken) }),
                OrderViewStatements.record(
                    fresh.map {
                        StatusChange(orderID: $0.order.id, status: .pending, reason: nil, at: $0.order.createdAt)
                    }),
            ] + start.writes,
            outgoing: placed + start.outgoing,
            afterCommit: { [metrics, projector] in
                projector.notify()
                for _ in fresh { metrics.orderReached(.pending, nil) }
                start.afterCommit?()
            }, result: results)
    }
}
