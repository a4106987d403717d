import Clocks
import Contracts
import Messaging
import Postgres
import TestSupport
import Testing

@testable import ShippingService

@Suite("Shipments on a real database")
struct ShippingHandlerTests {
    private static let carrier = BuiltinCarrier(dispatchDelay: .zero, deliveryDelay: .milliseconds(1))

    private func with(_ body: @Sendable (Yard) async throws -> Void) async throws {
        try await ServiceBench.with(ShippingSchema.migrations) { bench, _ in
            try await body(Yard(bench, Self.carrier))
        }
    }

    @Test("bookings and cancellations of a batch are answered once each, and repeats have no second effect")
    func bookAndCancel() async throws {
        try await with { yard in
            let (kept, dropped, nowhere) = (yard.bench.newOrder(), yard.bench.newOrder(), yard.bench.newOrder())
            let booking = yard.book(kept)
            try await yard.processor.process([
                booking, yard.book(dropped), yard.book(nowhere, country: "AQ"), yard.cancel(dropped),
            ])
            try await yard.processor.process([booking, yard.cancel(dropped)])
            #expect(try await yard.status(kept) == "booked")
            #expect(try await yard.bench.replies(kept) == ["book-shipment succeeded", "book-shipment succeeded"])
            #expect(try await yard.status(dropped) == "cancelled")
            #expect(try await yard.bench.events(dropped) == [MessageType.shipmentCancelled])
            #expect(try await yard.status(nowhere) == "none")
            #expect(try await yard.bench.replies(nowhere) == ["book-shipment failed shipping-unavailable"])
        }
    }

    @Test("facts about orders that are none of shipping's business leave nothing behind")
    func otherFacts() async throws {
        try await with { yard in
            let order = yard.bench.newOrder()
            let fact = OrderFact(orderID: order, at: yard.bench.messages.wallNow)
            let placed = yard.bench.command(MessageType.orderPlaced, to: .orderEvents, order, fact.encoded)
            try await yard.processor.process([placed])
            #expect(try await yard.bench.value("SELECT count(*)::text FROM inbox") == "0")
            #expect(try await yard.bench.value("SELECT count(*)::text FROM dead_letters") == "0")
            try await yard.processor.process([placed, yard.book(order), yard.confirmed(order)])
            #expect(try await yard.bench.value("SELECT count(*)::text FROM inbox") == "2")
        }
    }

    @Test("a booking that comes after its cancellation does nothing")
    func voided() async throws {
        try await with { yard in
            let order = yard.bench.newOrder()
            try await yard.processor.process([yard.cancel(order)])
            try await yard.processor.process([yard.book(order)])
            #expect(
                try await yard.bench.replies(order) == [
                    "cancel-shipment nothing-to-undo", "book-shipment failed timed-out",
                ])
            #expect(try await yard.status(order) == "none")
        }
    }

    @Test("confirmed orders are dispatched and delivered once each, however many processes move them")
    func moved() async throws {
        try await with { yard in
            let orders = (0..<20).map { _ in yard.bench.newOrder() }
            let waiting = yard.bench.newOrder()
            try await yard.processor.process(orders.map { yard.book($0) } + [yard.book(waiting)])
            let second = Yard(yard.bench, Self.carrier)
            let running = [yard, second].map { yard in Task { await yard.worker.run() } }
            try await yard.processor.process(orders.map { yard.confirmed($0) })
            second.worker.notify()
            try await yard.bench.eventually("all are delivered") {
                try await yard.bench.value("SELECT count(*)::text FROM shipments WHERE status = 'delivered'") == "20"
            }
            for order in orders {
                #expect(
                    try await yard.bench.events(order) == [
                        MessageType.shipmentDispatched, MessageType.shipmentDelivered,
                    ])
            }
            #expect(try await yard.status(waiting) == "booked")
            for task in running { task.cancel() }
            for task in running { await task.value }
        }
    }
}
