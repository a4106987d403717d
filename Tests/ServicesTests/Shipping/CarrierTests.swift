import Clocks
import Contracts
import Messaging
import Postgres
import ServiceChassis
import TestSupport
import Testing

@testable import ShippingService

/// What shipping-service promises the saga, whoever moves the goods, and calls to a carrier over HTTP that go wrong.
@Suite("Bookings on a real database", .serialized, .timeLimit(.minutes(3)))
struct CarrierTests {
    typealias Fault = ProviderDouble.Fault
    enum Kind: String, CaseIterable { case builtin, http }

    private func with(_ kind: Kind, _ body: @Sendable (Yard) async throws -> Void) async throws {
        switch kind {
        case .builtin:
            try await ServiceBench.with(ShippingSchema.migrations) { bench, _ in
                let yard = Yard(bench, BuiltinCarrier(dispatchDelay: .zero, deliveryDelay: .zero))
                try await yard.working { try await body(yard) }
            }
        case .http: try await Yard.withHTTP { yard, _ in try await yard.working { try await body(yard) } }
        }
    }

    @Test("a shipment is booked and called off once each, and a refusal leaves none", arguments: Kind.allCases)
    func bookAndCancel(kind: Kind) async throws {
        try await with(kind) { yard in
            let (dropped, nowhere) = (yard.bench.newOrder(), yard.bench.newOrder())
            let booking = yard.book(dropped)
            try await yard.processor.process([booking, yard.book(nowhere, country: "AQ")])
            try await yard.settled(dropped, replies: 1)
            try await yard.settled(nowhere, replies: 1)
            try await yard.processor.process([booking])
            #expect(try await yard.bench.replies(dropped) == ["book-shipment succeeded", "book-shipment succeeded"])
            #expect(try await yard.bench.replies(nowhere) == ["book-shipment failed shipping-unavailable"])
            #expect(
                try await yard.bench.client.query(ShipmentQueries.list(orderID: nowhere, after: nil, limit: 9)).isEmpty)
            let cancellation = yard.cancel(dropped)
            try await yard.processor.process([cancellation])
            try await yard.settled(dropped, replies: 3)
            try await yard.processor.process([cancellation, yard.cancel(dropped)])
            #expect(
                try await yard.bench.replies(dropped).dropFirst(2)
                    == ["cancel-shipment succeeded", "cancel-shipment succeeded", "cancel-shipment succeeded"])
            #expect(try await yard.status(dropped) == "cancelled")
            #expect(try await yard.bench.events(dropped) == [MessageType.shipmentCancelled])
        }
    }

    @Test("a booking that comes after its cancellation does nothing", arguments: Kind.allCases)
    func voided(kind: Kind) async throws {
        try await with(kind) { yard in
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

    @Test("a booking that is not decided is nobody's shipment, and becomes one when it is")
    func hidden() async throws {
        try await Yard.withHTTP { yard, double in
            double.fail("book", .hold)
            let order = yard.bench.newOrder()
            func shown() async throws -> Int {
                try await yard.bench.client.query(ShipmentQueries.list(orderID: order, after: nil, limit: 9)).count
            }
            try await yard.working {
                try await yard.processor.process([yard.book(order)])
                try await yard.bench.eventually("it is asked about") { double.calls.contains("query-booking") }
                #expect(try await yard.status(order) == "requested")
                #expect(try await shown() == 0)
                let id = try await yard.id(order)
                #expect(try await yard.bench.client.query(ShipmentQueries.find(id)).isEmpty)
                #expect(try await yard.bench.client.query(ShipmentQueries.countByStatus).isEmpty)
                double.decide()
                try await yard.settled(order, replies: 1)
            }
            #expect(try await shown() == 1)
            let view = try ShipmentQueries.view(
                try await yard.bench.client.query(ShipmentQueries.find(try await yard.id(order)))[0])
            #expect(view.shipment.carrierReference == "at-\(view.shipment.id)")
            #expect(view.createdAt == view.updatedAt)
        }
    }

    @Test("a booking without a usable answer is asked about, and booked once")
    func inDoubt() async throws {
        try await Yard.withHTTP { yard, double in
            try await yard.working {
                for fault in [
                    Fault.loseAnswer, .resetAfter, .resetBefore, .truncate, .answerLate, .statusAfter(500),
                    .statusBefore(500), .statusBefore(503), .statusAfter(409), .throttle(retryAfter: "0"), .overloaded,
                ] {
                    double.fail("book", fault)
                    let order = yard.bench.newOrder()
                    try await yard.processor.process([yard.book(order)])
                    try await yard.settled(order, replies: 1)
                    #expect(try await yard.bench.replies(order) == ["book-shipment succeeded"], "\(fault)")
                    #expect(double.entry(try await yard.id(order))?.effects == 1, "\(fault)")
                }
            }
        }
    }

    @Test("a cancellation is answered only when nothing of the booking can stand")
    func cancellation() async throws {
        try await Yard.withHTTP { yard, double in
            try await yard.working {
                for fault in [
                    Fault.loseAnswer, .resetBefore, .truncate, .statusAfter(500), .statusBefore(503), .lie("booked"),
                ] {
                    double.fail("cancellation", fault)
                    let order = yard.bench.newOrder()
                    try await yard.processor.process([yard.book(order)])
                    try await yard.settled(order, replies: 1)
                    try await yard.processor.process([yard.cancel(order)])
                    try await yard.settled(order, replies: 2)
                    #expect(try await yard.bench.replies(order).last == "cancel-shipment succeeded", "\(fault)")
                    #expect(double.entry(try await yard.id(order))?.status == "cancelled", "\(fault)")
                }
            }
        }
    }

    @Test("a cancellation of a booking the carrier never got leaves a mark there, and the late booking does nothing")
    func tombstone() async throws {
        try await Yard.withHTTP { yard, double in
            double.fail("book", .delay)
            let order = yard.bench.newOrder()
            try await yard.processor.process([yard.book(order)])
            for item in try await yard.open.claim(limit: 1) { await yard.open.work(on: item) }
            try await yard.processor.process([yard.cancel(order)])
            try await yard.working { try await yard.settled(order, replies: 2) }
            #expect(
                try await yard.bench.replies(order).sorted() == [
                    "book-shipment failed timed-out", "cancel-shipment nothing-to-undo",
                ])
            double.arrive()
            let entry = try #require(double.entry(try await yard.id(order)))
            #expect(entry.status == "cancelled" && entry.effects == 0)
            #expect(try await yard.status(order) == "withdrawn")
        }
    }

    @Test("a confirmed order is handed over, and its goods are followed by asking when nobody tells")
    func followed() async throws {
        try await Yard.withHTTP { yard, double in
            double.fail("confirmation", .loseAnswer, .resetBefore)
            let order = yard.bench.newOrder()
            try await yard.working {
                try await yard.processor.process([yard.book(order)])
                try await yard.settled(order, replies: 1)
                #expect(!double.calls.contains("confirmation"), "nothing leaves before the order is confirmed")
                try await yard.processor.process([yard.confirmed(order)])
                try await yard.bench.eventually("it is tracked") { double.calls.last == "query-booking" }
                double.move(try await yard.id(order), to: "dispatched")
                try await yard.bench.eventually("it left") { try await yard.status(order) == "dispatched" }
                double.move(try await yard.id(order), to: "delivered")
                try await yard.bench.eventually("it arrived") { try await yard.status(order) == "delivered" }
            }
            #expect(
                try await yard.bench.events(order) == [MessageType.shipmentDispatched, MessageType.shipmentDelivered])
            #expect(try await yard.open.untilNextDue() == nil)
        }
    }

    @Test("goods that left although they were called off leave the command without a reply", .timeLimit(.minutes(1)))
    func conflict() async throws {
        try await Yard.withHTTP { yard, double in
            let order = yard.bench.newOrder()
            try await yard.working {
                try await yard.processor.process([yard.book(order)])
                try await yard.settled(order, replies: 1)
                double.move(try await yard.id(order), to: "dispatched")
                try await yard.processor.process([yard.cancel(order)])
                try await yard.bench.eventually("it is known") { try await yard.status(order) == "dispatched" }
            }
            #expect(try await yard.bench.replies(order) == ["book-shipment succeeded"])
        }
    }

    // MARK: Crashes

    enum Death: String, CaseIterable {
        case beforeTheClaim, afterTheClaim, whileTheCallIsOnItsWay, afterTheCall, afterTheAnswer

        /// Every death of a worker, followed by every death of its successor.
        static let pairs = allCases.flatMap { first in allCases.map { (first, $0) } }
    }

    private func die(_ death: Death, _ yard: Yard, _ double: ProviderDouble) async throws {
        guard death != .beforeTheClaim else { return }
        for item in try await yard.open.claim(limit: 1) {
            switch death {
            case .beforeTheClaim, .afterTheClaim: break
            case .whileTheCallIsOnItsWay:
                let operation =
                    switch item.call {
                    case .book: "book"
                    case .cancel: "cancellation"
                    default: "query-booking"
                    }
                double.fail(operation, .delay)
                _ = try await yard.carrier.perform(item.call, for: item.shipment)
            case .afterTheCall: _ = try await yard.carrier.perform(item.call, for: item.shipment)
            case .afterTheAnswer:
                _ = try await yard.open.record(
                    try await yard.carrier.perform(item.call, for: item.shipment), to: item)
            }
        }
        try await yard.endClaims()
    }

    @Test("a worker that dies at any step of a booking or its cancellation leaves nothing wrong")
    func crashes() async throws {
        try await Yard.withHTTP { yard, double in
            for (first, second) in Death.pairs {
                for cancels in [false, true] {
                    let order = yard.bench.newOrder()
                    try await yard.processor.process([yard.book(order)])
                    try await die(first, yard, double)
                    if cancels { try await yard.processor.process([yard.cancel(order)]) }
                    try await die(second, yard, double)
                    let successor = Yard(yard.bench, yard.carrier)
                    try await successor.working { try await successor.settled(order, replies: cancels ? 2 : 1) }
                    double.arrive()
                    let entry = double.entry(try await yard.id(order))
                    let what: Comment = "\(first), \(second), \(cancels)"
                    #expect(try await yard.bench.replies(order).count == (cancels ? 2 : 1), what)
                    #expect(entry?.effects ?? 0 <= 1, what)
                    let status = try await yard.status(order)
                    #expect(cancels ? ["cancelled", "withdrawn"].contains(status) : status == "booked", what)
                    #expect(cancels ? entry?.status != "booked" : entry?.status == "booked", what)
                }
            }
        }
    }
}
