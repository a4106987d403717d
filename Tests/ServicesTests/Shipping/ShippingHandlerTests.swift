import Clocks
import Contracts
import Messaging
import Postgres
import TestSupport
import Testing

@testable import ShippingService

@Suite("Shipments on a real database")
struct ShippingHandlerTests {
    private struct Yard: Sendable {
        let bench: ServiceBench
        let due: DueShipments
        let processor: MessageProcessor

        init(_ bench: ServiceBench) {
            self.bench = bench
            let carrier = BuiltinCarrier(dispatchDelay: .zero, deliveryDelay: .milliseconds(1))
            let due = DueShipments(
                carrier: carrier, postgres: bench.client, unitOfWork: bench.unitOfWork, messages: bench.messages,
                time: bench.time, log: .silent)
            self.due = due
            processor = bench.processor(ShippingHandler(carrier: carrier, messages: bench.messages) { due.notify() })
        }

        func book(_ order: UUID, country: String = "DE") -> IncomingMessage {
            let address = Address(name: "N", street: "S 1", city: "C", postalCode: "12345", country: country)
            let command = BookShipment(
                orderID: order, shipTo: address, lines: [OrderLine(sku: "A", quantity: 1)])
            return bench.command(MessageType.bookShipment, to: .shippingCommands, order, command.encoded)
        }

        func cancel(_ order: UUID) -> IncomingMessage {
            bench.command(
                MessageType.cancelShipment, to: .shippingCommands, order, CancelShipment(orderID: order).encoded)
        }

        func confirmed(_ order: UUID) -> IncomingMessage {
            let fact = OrderFact(orderID: order, at: bench.messages.wallNow)
            return bench.command(MessageType.orderConfirmed, to: .orderEvents, order, fact.encoded)
        }

        func status(_ order: UUID) async throws -> String {
            try await bench.value(
                "SELECT coalesce(max(status), 'none') FROM shipments WHERE order_id = $1::uuid", [.uuid(order)])
        }
    }

    private func with(_ body: @Sendable (Yard) async throws -> Void) async throws {
        try await ServiceBench.with(ShippingSchema.migrations) { bench, _ in try await body(Yard(bench)) }
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
            let second = Yard(yard.bench)
            let running = [yard, second].map { yard in Task { await yard.due.run() } }
            try await yard.processor.process(orders.map { yard.confirmed($0) })
            second.due.notify()
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
