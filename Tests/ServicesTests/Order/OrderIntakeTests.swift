import Clocks
import Contracts
import HTTPCodec
import Messaging
import Postgres
import Saga
import SagaRuntime
import ServiceChassis
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import OrderService

@Suite("Orders on a real database")
struct OrderIntakeTests {
    /// A replica of order-service, without its API.
    private struct Replica: Sendable {
        let bench: ServiceBench
        let waiters: OrderWaiters
        let projector: OrderProjector
        let metrics = OrderMetrics(registry: MetricsRegistry())
        let writer: OrderWriter
        let intake: OrderIntake

        init(_ bench: ServiceBench, _ database: TestDatabase) throws {
            self.bench = bench
            let waiters = OrderWaiters(
                postgres: bench.client, time: bench.time, log: .silent, pollInterval: .milliseconds(20))
            self.waiters = waiters
            let projector = OrderProjector(postgres: bench.client, time: bench.time, log: .silent)
            self.projector = projector
            let configuration = PostgresConfiguration(
                host: database.host, port: database.port, user: database.user, database: database.name)
            let coordinator = SagaCoordinator(
                process: PlaceOrderProcess(
                    definition: try PlaceOrderSaga.definition(), messages: bench.messages, waiters: waiters,
                    notices: OrderNotices(
                        postgres: bench.client, configuration: configuration, waiters: waiters, time: bench.time,
                        log: .silent), projector: projector, metrics: metrics,
                    admission: OrderAdmission(target: nil, time: bench.time, registry: MetricsRegistry())),
                postgres: bench.client, unitOfWork: bench.unitOfWork, time: bench.time, random: SystemRandom(),
                log: .silent)
            writer = OrderWriter(
                unitOfWork: bench.unitOfWork, coordinator: coordinator, messages: bench.messages, metrics: metrics,
                projector: projector, time: bench.time, log: .silent)
            intake = OrderIntake(postgres: bench.client, writer: writer, time: bench.time)
        }

        func order(_ key: String, payload: UInt8 = 1) throws -> PricedOrder {
            let id = bench.newOrder()
            let now = bench.messages.wallNow
            let order = Order(
                id: id, customerID: "c", status: .pending, reason: nil, currency: "EUR", total: 100,
                lines: [.init(sku: "A", name: "a", quantity: 1, unitPrice: 100, total: 100)],
                shipTo: Address(name: "N", street: "S 1", city: "C", postalCode: "12345", country: "DE"),
                createdAt: now, updatedAt: now)
            return PricedOrder(
                order: order, paymentToken: "tok_ok",
                record: IdempotencyRecord(
                    key: try IdempotencyKey(key),
                    fingerprint: RequestFingerprint(bytes: [UInt8](repeating: payload, count: 32)),
                    answer: RecordedAnswer(status: 202, location: "/v1/orders/\(id)", body: Array("\(id)".utf8))),
                trace: TraceHeaders())
        }

        func count(_ table: String) async throws -> String {
            try await bench.value("SELECT count(*)::text FROM \(table)")
        }
    }

    private func with(_ body: @Sendable (Replica, Replica) async throws -> Void) async throws {
        try await ServiceBench.with(OrderSchema.migrations) { bench, database in
            let other = ServiceBench(database, owner: 2)
            defer { other.client.close() }
            let replicas = [try Replica(bench, database), try Replica(other, database)]
            let running = replicas.map { replica in Task { await replica.intake.run() } }
            defer { for task in running { task.cancel() } }
            try await body(replicas[0], replicas[1])
            for task in running { task.cancel() }
            for task in running { await task.value }
        }
    }

    private static func answer(_ answer: IntakeAnswer) -> (isNew: Bool, RecordedAnswer) {
        switch answer {
        case .accepted(let recorded): (true, recorded)
        case .replayed(let recorded): (false, recorded)
        }
    }

    @Test("one key at two replicas at once is one order, and everybody gets the same bytes")
    func oneKey() async throws {
        try await with { first, second in
            for round in 0..<5 {
                let answers = try await withThrowingTaskGroup(of: IntakeAnswer.self) { group in
                    for replica in [first, second, first, second, first, second] {
                        let order = try replica.order("key-\(round)")
                        group.addTask { try await replica.intake.accept(order) }
                    }
                    return try await group.reduce(into: []) { $0.append(Self.answer($1)) }
                }
                #expect(answers.count { $0.isNew } == 1)
                #expect(Set(answers.map(\.1)).count == 1)
            }
            #expect(try await first.count("orders") == "5")
            #expect(try await first.count("sagas") == "5")
            #expect(
                try await first.bench.value(
                    "SELECT string_agg(DISTINCT type || ' ' || n, ', ') FROM (SELECT type, count(*) AS n FROM outbox_messages GROUP BY type) AS t"
                ) == "holdfast.inventory.reserve-stock.v1 5, holdfast.order.order-placed.v1 5")
        }
    }

    @Test("an order whose deadline has passed is not begun: nothing is written, and the key stays free")
    func late() async throws {
        try await with { first, _ in
            var late = try first.order("key")
            late.deadline = first.bench.time.now
            let hopeless = late
            let problem = await #expect(throws: ProblemDetails.self) { try await first.intake.accept(hopeless) }
            #expect(problem?.type == .deadlineExceeded)
            #expect(try await first.count("orders") == "0")
            #expect(Self.answer(try await first.intake.accept(try first.order("key"))).isNew)
        }
    }

    @Test("a key that was used for another request is refused, and its neighbours are written")
    func reused() async throws {
        try await with { first, _ in
            _ = try await first.intake.accept(try first.order("key"))
            let results = await first.writer.write([
                try first.order("other"), try first.order("key", payload: 2), try first.order("key"),
            ])
            #expect(throws: ProblemDetails.idempotencyKeyReused) { _ = try results[1].get() }
            #expect(Self.answer(try results[0].get()).isNew)
            #expect(!Self.answer(try results[2].get()).isNew)
            #expect(try await first.count("orders") == "2")
            let key = try IdempotencyKey("key")
            await #expect(throws: ProblemDetails.idempotencyKeyReused) {
                try await first.intake.recorded(
                    key, RequestFingerprint(bytes: [UInt8](repeating: 2, count: 32)), deadline: first.bench.soon)
            }
        }
    }

    @Test("a key that an open transaction holds is in flight, and its neighbours are written")
    func inFlight() async throws {
        try await with { first, second in
            let held = try second.order("held")
            let results = try await second.bench.client.holding(
                IdempotencyStore().insert([held.record], at: second.bench.messages.wallNow)
            ) {
                await first.writer.write([try first.order("a"), try first.order("held"), try first.order("z")])
            }
            #expect(Self.answer(try results[0].get()).isNew)
            #expect(throws: ProblemDetails.idempotencyKeyInFlight) { _ = try results[1].get() }
            #expect(Self.answer(try results[2].get()).isNew)
            #expect(try await first.count("orders") == "2")
            // What held it rolled back: the key is free.
            #expect(Self.answer(try await first.intake.accept(try first.order("held"))).isNew)
        }
    }

    @Test("who waits for an order is woken by a signal, by what another replica decided, and at the deadline")
    func waiters() async throws {
        try await with { first, second in
            let order = try first.order("key")
            _ = try await first.intake.accept(order)
            await first.waiters.wait(for: order.order.id, until: first.bench.time.now)
            let long = first.bench.time.now.advanced(by: .seconds(60))
            let signalled = Task { await first.waiters.wait(for: order.order.id, until: long) }
            let signalling = Task {
                while !Task.isCancelled {
                    first.waiters.signal([order.order.id])
                    await Task.yield()
                }
            }
            await signalled.value
            signalling.cancel()
            await signalling.value
            let looking = Task { await first.waiters.run() }
            let polled = Task { await first.waiters.wait(for: order.order.id, until: long) }
            try await second.bench.run("UPDATE orders SET status = 'confirmed'")
            await polled.value
            #expect(first.bench.time.now < long)
            looking.cancel()
            await looking.value
        }
    }

    @Test("an order follows its shipment forward only, whatever order the news come in")
    func shipping() async throws {
        try await with { first, _ in
            let orders = [try first.order("1"), try first.order("2"), try first.order("3")]
            for order in orders { _ = try await first.intake.accept(order) }
            let ids = orders.map(\.order.id)
            _ = try await first.bench.client.query(
                Statement(
                    "UPDATE orders SET status = 'confirmed' WHERE id = ANY($1::uuid[])", [.uuids(Array(ids.prefix(2)))])
            )
            let processor = first.bench.processor(
                ShippingEventHandler(
                    messages: first.bench.messages, metrics: first.metrics, projector: first.projector),
                usesInbox: false)
            func news(_ type: String, _ id: UUID) -> IncomingMessage {
                first.bench.command(
                    type, to: .shippingEvents, id, OrderFact(orderID: id, at: first.bench.messages.wallNow).encoded)
            }
            func statuses() async throws -> [String] {
                var all: [String] = []
                for id in ids {
                    all.append(
                        try await first.bench.value("SELECT status FROM orders WHERE id = $1::uuid", [.uuid(id)]))
                }
                return all
            }
            try await processor.process([
                news(MessageType.shipmentDispatched, ids[0]), news(MessageType.shipmentDelivered, ids[1]),
                news(MessageType.shipmentDispatched, ids[1]), news(MessageType.shipmentDispatched, ids[2]),
            ])
            #expect(try await statuses() == ["shipped", "delivered", "pending"])
            try await processor.process([
                news(MessageType.shipmentDelivered, ids[0]), news(MessageType.shipmentDispatched, ids[0]),
                news(MessageType.shipmentDispatched, ids[1]),
            ])
            #expect(try await statuses() == ["delivered", "delivered", "pending"])
            // Each stage was told once, in order, also the one that was passed through.
            while try await first.projector.project() > 0 {}
            for id in ids.prefix(2) {
                let told = try await first.bench.value(
                    "SELECT string_agg(status, ' ' ORDER BY number) FROM order_feed WHERE order_id = $1::uuid",
                    [.uuid(id)])
                #expect(told == "pending shipped delivered")
            }
        }
    }
}

private struct Undone: Error {}

extension PostgresClient {
    /// Runs `body` while another transaction has run `statement` and stays open; then rolls it back.
    fileprivate func holding<Result: Sendable>(
        _ statement: Statement, _ body: () async throws -> Result
    ) async throws -> Result {
        let isHeld = Flag()
        let isDone = Flag()
        let other = Task {
            try await self.transaction { transaction in
                _ = try transaction.execute(statement)
                isHeld.set()
                // On the connection's own thread, which may wait.
                while !isDone.isSet { _ = try transaction.execute(Statement("SELECT pg_sleep(0.005)")) }
                throw Undone()
            }
        }
        while !isHeld.isSet { await Task.yield() }
        defer { isDone.set() }
        let result = try await body()
        isDone.set()
        _ = await other.result
        return result
    }
}

private final class Flag: Sendable {
    private let state = Atomic(false)
    var isSet: Bool { state.load(ordering: .acquiring) }
    func set() { state.store(true, ordering: .releasing) }
}
