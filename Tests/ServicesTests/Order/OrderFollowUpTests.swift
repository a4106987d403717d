import Clocks
import Contracts
import Messaging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import OrderService

/// Confirmed orders whose goods do not arrive, on a real database.
@Suite("Orders that are followed")
struct OrderFollowUpTests {
    private struct Replica: Sendable {
        let bench: ServiceBench
        let projector: OrderProjector
        let followUp: OrderFollowUp

        init(_ bench: ServiceBench, entries: Int = 4, outboxAge: Duration = .zero) {
            self.bench = bench
            projector = OrderProjector(postgres: bench.client, time: bench.time, log: .silent) {}
            var configuration = OrderFollowUp.Configuration()
            configuration.entries = entries
            configuration.orders = 5
            followUp = OrderFollowUp(
                postgres: bench.client, unitOfWork: bench.unitOfWork, messages: bench.messages,
                configuration: configuration, outboxAge: { outboxAge }, time: bench.time, said: { _ in })
        }

        /// An order that went through these, as its saga and the events of its shipment write them.
        @discardableResult
        func order(_ course: Order.Status...) async throws -> UUID {
            let now = bench.messages.wallNow
            let order = Order(
                id: bench.newOrder(), customerID: "c", status: .pending, reason: nil, currency: "EUR", total: 100,
                lines: [.init(sku: "A", name: "a", quantity: 1, unitPrice: 100, total: 100)],
                shipTo: Address(name: "N", street: "S 1", city: "C", postalCode: "12345", country: "DE"),
                createdAt: now, updatedAt: now)
            _ = try await bench.client.batch([OrderStatements.insert([(order, "tok_ok")])])
            for status in [.pending] + course { try await move(order.id, to: status) }
            return order.id
        }

        func move(_ order: UUID, to status: Order.Status) async throws {
            let now = bench.messages.wallNow
            _ = try await bench.client.batch([
                OrderStatements.advance([(order, status)], now: now),
                OrderViewStatements.record([StatusChange(orderID: order, status: status, reason: nil, at: now)]),
            ])
        }

        /// Lets the time pass for what is in the feed and for who is followed.
        func passes(_ seconds: Int) async throws {
            while try await projector.project() > 0 {}
            try await bench.run("UPDATE order_feed SET recorded_at = recorded_at - interval '\(seconds) s'")
            try await bench.run("UPDATE order_follow_ups SET due_at = due_at - interval '\(seconds) s'")
        }

        func saidAgain(_ order: UUID) async throws -> Int { try await bench.events(order).count }

        func value(_ sql: String) async throws -> String { try await bench.value(sql) }
    }

    private func with(_ body: @Sendable (Replica, Replica) async throws -> Void) async throws {
        try await ServiceBench.with(OrderSchema.migrations) { bench, database in
            let other = ServiceBench(database, owner: 2)
            defer { other.client.close() }
            try await body(Replica(bench), Replica(other))
        }
    }

    @Test("a confirmation is said again, less and less often, until the goods have arrived")
    func saidAgain() async throws {
        try await with { replica, _ in
            let order = try await replica.order(.confirmed)
            try await replica.passes(29)
            _ = try await replica.followUp.claim(limit: 1)
            #expect(try await replica.saidAgain(order) == 0, "the goods may take their time")
            try await replica.passes(2)
            _ = try await replica.followUp.claim(limit: 1)
            #expect(try await replica.bench.events(order) == [MessageType.orderConfirmed])
            #expect(
                try await replica.followUp.untilNextDue().map { $0 > .seconds(110) && $0 <= .seconds(120) } ?? false)
            try await replica.passes(100)
            _ = try await replica.followUp.claim(limit: 1)
            #expect(try await replica.saidAgain(order) == 1)
            try await replica.move(order, to: .shipped)
            try await replica.passes(25)
            _ = try await replica.followUp.claim(limit: 1)
            #expect(try await replica.saidAgain(order) == 2, "goods that have left may still get lost")
            try await replica.move(order, to: .delivered)
            try await replica.passes(500)
            _ = try await replica.followUp.claim(limit: 1)
            #expect(try await replica.saidAgain(order) == 2)
            #expect(try await replica.value("SELECT count(*)::text FROM order_follow_ups") == "0")
            #expect(try await replica.followUp.untilNextDue() == nil)
        }
    }

    @Test("what is said again is the same fact: when the order was confirmed, under an id that no inbox knows")
    func fact() async throws {
        try await with { replica, _ in
            let order = try await replica.order(.confirmed)
            try await replica.passes(31)
            let confirmedAt = try await replica.bench.client.query(
                Statement("SELECT at FROM order_feed WHERE status = 'confirmed'"))[0].timestamp(0)
            for _ in 0..<2 {
                _ = try await replica.followUp.claim(limit: 1)
                try await replica.passes(121)
            }
            let rows = try await replica.bench.client.query(
                Statement("SELECT id, topic, payload FROM outbox_messages WHERE order_id = $1::uuid", [.uuid(order)]))
            #expect(Set(try rows.map { try $0.uuid(0) }).count == 2)
            for row in rows {
                #expect(try row.text(1) == Topic.orderEvents.rawValue)
                #expect(try row.bytes(2) == OrderFact(orderID: order, at: confirmedAt).encoded)
            }
        }
    }

    @Test("orders whose goods arrive in time leave no trace, nor do those that are not confirmed")
    func normal() async throws {
        try await with { replica, _ in
            for _ in 0..<5 {
                try await replica.order(.confirmed, .shipped, .delivered)
                try await replica.order(.rejected)
                try await replica.order()
            }
            try await replica.passes(3600)
            _ = try await replica.followUp.claim(limit: 1)
            #expect(try await replica.value("SELECT count(*)::text FROM order_follow_ups") == "0")
            #expect(try await replica.value("SELECT count(*)::text FROM outbox_messages") == "0")
            #expect(
                try await replica.value(
                    "SELECT (m.number = p.last_number)::text FROM order_follow_up_mark m, order_projection p") == "true"
            )
        }
    }

    @Test("two replicas at once say of each order once that it is confirmed, and pass over none")
    func replicas() async throws {
        try await with { first, second in
            var orders: [UUID] = []
            for number in 0..<30 {
                orders.append(try await first.order(.confirmed))
                if number.isMultiple(of: 3) { try await first.order(.confirmed, .shipped, .delivered) }
            }
            try await first.passes(31)
            for _ in 0..<12 {
                async let one = first.followUp.claim(limit: 1)
                async let two = second.followUp.claim(limit: 1)
                _ = try await (one, two)
            }
            for order in orders { #expect(try await first.saidAgain(order) == 1) }
            #expect(try await first.value("SELECT count(*)::text FROM outbox_messages") == "30")
        }
    }

    @Test("nothing of the feed is forgotten before it was looked at")
    func prune() async throws {
        try await with { replica, _ in
            let order = try await replica.order(.confirmed)
            try await replica.passes(400_000)
            let forget = OrderViewStatements.forgetEntries(olderThan: .seconds(3600), limit: 100)
            #expect(try await replica.bench.client.query(forget).affected == 0)
            _ = try await replica.followUp.claim(limit: 1)
            #expect(try await replica.saidAgain(order) == 1)
            #expect(try await replica.bench.client.query(forget).affected == 2)
        }
    }

    @Test("behind an outbox that does not drain nothing is said again")
    func admission() async throws {
        try await with { replica, _ in
            #expect(replica.followUp.admission == .open)
            let stuck = Replica(replica.bench, outboxAge: .seconds(6)).followUp.admission
            guard case .refusing = stuck else {
                Issue.record("it is \(stuck)")
                return
            }
        }
    }

    @Test("orders that were confirmed before they were followed are followed too")
    func migrated() async throws {
        try await TestPostgres.withDatabase { database in
            let bench = ServiceBench(database)
            defer { bench.client.close() }
            let before = OrderSchema.migrations.filter { $0.version < 12 }
            _ = try await Migrator(bench.client, before).apply(deadline: bench.soon)
            let replica = Replica(bench)
            let (late, numbered) = (try await replica.order(.confirmed), try await replica.order(.confirmed, .shipped))
            try await replica.order(.confirmed, .shipped, .delivered)
            while try await replica.projector.project() > 0 {}
            let unnumbered = try await replica.order(.confirmed)
            _ = try await Migrator(bench.client, OrderSchema.migrations).apply(deadline: bench.soon)
            try await replica.passes(31)
            _ = try await replica.followUp.claim(limit: 1)
            for order in [late, numbered, unnumbered] { #expect(try await replica.saidAgain(order) == 1) }
            #expect(try await replica.value("SELECT count(*)::text FROM order_follow_ups") == "3")
        }
    }

    @Test("the waits grow by the factor up to the longest")
    func rules() {
        let rules = FollowUpRules(firstWait: .seconds(30))
        #expect(
            (0..<8).map { rules.wait(after: $0) }
                == [30, 120, 480, 1920, 7680, 30_720, 86_400, 86_400].map { .seconds($0) })
        #expect(FollowUpRules(firstWait: .seconds(86_400)).wait(after: 3) == .seconds(86_400))
    }
}
