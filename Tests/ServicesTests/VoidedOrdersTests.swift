import Clocks
import Contracts
import Messaging
import Postgres
import TestSupport
import Testing

@testable import InventoryService
@testable import PaymentService
@testable import ShippingService

/// The marks of compensations that came first, in each participant's own schema.
@Suite("Marks of voided orders")
struct VoidedOrdersTests {
    private static let schemas = [
        ("inventory", InventorySchema.migrations), ("payment", PaymentSchema.migrations),
        ("shipping", ShippingSchema.migrations),
    ]

    private static func order(daysAgo days: Int, _ bench: ServiceBench) -> UUID {
        bench.messages.newID(at: bench.messages.wallNow.advanced(by: .seconds(-86_400 * days)))
    }

    private static func void(_ order: UUID, daysAgo days: Int, _ bench: ServiceBench) async throws {
        _ = try await bench.client.query(
            Statement(
                """
                INSERT INTO voided_orders (order_id, voided_at) VALUES ($1::uuid, now() - make_interval(days => $2::int4))
                """, [.uuid(order), .int4(Int32(days))]))
    }

    private static func prune(_ bench: ServiceBench) async throws -> Int {
        try await bench.client.query(Retention.voidedOrders(olderThan: .seconds(14 * 86_400), limit: 2)).affected
    }

    @Test("go when they are as old as the inbox keeps messages, in portions", arguments: schemas)
    func prune(service: String, migrations: [Migration]) async throws {
        try await ServiceBench.with(migrations) { bench, _ in
            for _ in 0..<3 { try await Self.void(Self.order(daysAgo: 20, bench), daysAgo: 20, bench) }
            // An old order that was undone lately, and a new one.
            try await Self.void(Self.order(daysAgo: 20, bench), daysAgo: 2, bench)
            try await Self.void(Self.order(daysAgo: 0, bench), daysAgo: 0, bench)
            #expect(try await Self.prune(bench) == 2)
            #expect(try await Self.prune(bench) == 1)
            #expect(try await Self.prune(bench) == 0)
            #expect(try await bench.value("SELECT count(*)::text FROM voided_orders") == "2")
        }
    }

    @Test("stay while a dead letter or a parked message of the order could still be the late action")
    func letters() async throws {
        try await ServiceBench.with(ShippingSchema.migrations) { bench, _ in
            let (dead, parked) = (Self.order(daysAgo: 20, bench), Self.order(daysAgo: 20, bench))
            for order in [dead, parked] { try await Self.void(order, daysAgo: 20, bench) }
            _ = try await bench.client.query(
                Statement(
                    """
                    INSERT INTO dead_letters (id, topic, partition, "offset", identity, order_id, headers, reason, attempts,
                                              first_seen, last_seen)
                    VALUES ($1::uuid, 't', 0, 1, 'i', $2::uuid, '[]', 'r', 8, now(), now())
                    """, [.uuid(bench.newOrder()), .uuid(dead)]))
            _ = try await bench.client.query(
                Statement(
                    """
                    INSERT INTO parked_messages (topic, order_id, identity, partition, "offset", headers, attempts)
                    VALUES ('t', $1::uuid, 'i', 0, 1, '[]', 1)
                    """, [.uuid(parked)]))
            #expect(try await Self.prune(bench) == 0)
            try await bench.run("UPDATE dead_letters SET status = 'redriven'")
            #expect(try await Self.prune(bench) == 1)
            try await bench.run("DELETE FROM parked_messages")
            #expect(try await Self.prune(bench) == 1)
        }
    }
}
