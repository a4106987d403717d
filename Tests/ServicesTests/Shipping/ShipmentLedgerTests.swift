import Clocks
import Contracts
import Testing

@testable import ShippingService

@Suite("The shipment ledger")
struct ShipmentLedgerTests {
    private let order = UUID(high: 0, low: 1)
    private let carrier = BuiltinCarrier(dispatchDelay: .seconds(5), deliveryDelay: .seconds(10))

    private func book(_ ledger: inout ShipmentLedger, country: String = "DE") {
        ledger.book(
            Shipment(
                id: UUID(high: 9, low: 1), orderID: order, status: .requested,
                shipTo: Address(name: "A", street: "B", city: "C", postalCode: "1", country: country),
                lines: [OrderLine(sku: "A", quantity: 1)], bookCommand: UUID(high: 5, low: 1)),
            carrier: carrier)
    }

    private func cancel(_ ledger: inout ShipmentLedger) {
        ledger.cancel(order, command: UUID(high: 6, low: 1), carrier: carrier)
    }

    private func confirm(_ ledger: inout ShipmentLedger, _ carrier: BuiltinCarrier) {
        ledger.confirm(order, cause: UUID(high: 7, low: 1), carrier: carrier)
    }

    private func said(_ ledger: ShipmentLedger) -> [String] {
        ledger.replies.map {
            "\($0.reply.command) \($0.reply.outcome.rawValue)\($0.reply.reason.map { " " + $0.rawValue } ?? "")"
        }
    }

    @Test("the builtin carrier goes everywhere but to Antarctica, and a refusal leaves no shipment")
    func refuses() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        book(&ledger, country: "AQ")
        #expect(ledger.shipment(of: order) == nil && ledger.created.isEmpty)
        book(&ledger)
        book(&ledger)
        #expect(
            said(ledger) == [
                "book-shipment failed shipping-unavailable", "book-shipment succeeded", "book-shipment succeeded",
            ])
        #expect(ledger.created == [order])
    }

    @Test("nothing leaves before the order is confirmed")
    func waitsForConfirmation() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        book(&ledger)
        #expect(ledger.shipment(of: order)?.due == .never)
        confirm(&ledger, carrier)
        #expect(ledger.shipment(of: order)?.due == .after(.seconds(5)))
        #expect(ledger.hasDueTimes)
    }

    @Test("who says again that the order is confirmed is told again where the goods are, and nothing else happens")
    func toldAgain() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        book(&ledger)
        confirm(&ledger, carrier)
        confirm(&ledger, carrier)
        #expect(ledger.events.isEmpty, "goods that have not left have no news")
        for (status, type) in [
            (Shipment.Status.dispatched, MessageType.shipmentDispatched), (.delivered, MessageType.shipmentDelivered),
        ] {
            var shipment = ledger.shipment(of: order)
            shipment?.status = status
            var later = ShipmentLedger(shipments: shipment.map { [order: $0] } ?? [:], voided: [])
            confirm(&later, carrier)
            #expect(later.events.map(\.type) == [type])
            #expect(later.shipment(of: order) == shipment && later.changed.isEmpty && later.replies.isEmpty)
        }
    }

    @Test("a cancelled shipment stays cancelled, whatever comes later")
    func cancels() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        book(&ledger)
        cancel(&ledger)
        cancel(&ledger)
        book(&ledger)
        confirm(&ledger, carrier)
        #expect(
            said(ledger) == [
                "book-shipment succeeded", "cancel-shipment succeeded", "cancel-shipment succeeded",
                "book-shipment failed timed-out",
            ])
        #expect(ledger.events.map(\.type) == [MessageType.shipmentCancelled])
        #expect(ledger.shipment(of: order)?.status == .cancelled && ledger.shipment(of: order)?.due == .never)
    }

    @Test("a cancellation before its booking finds nothing to undo, and the booking that follows does nothing")
    func cancelFirst() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        cancel(&ledger)
        #expect(ledger.newlyVoided == [order])
        book(&ledger)
        #expect(said(ledger) == ["cancel-shipment nothing-to-undo", "book-shipment failed timed-out"])
        #expect(ledger.shipment(of: order) == nil)
    }

    private func gone(_ answers: CarrierAnswer...) -> ShipmentLedger {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        book(&ledger)
        var conversation = ShipmentConversation(ledger.shipment(of: order)!)
        for answer in answers { _ = conversation.told(answer) }
        return ShipmentLedger(shipments: [order: conversation.shipment], voided: [])
    }

    @Test("a cancellation that meets goods on the road waits until the carrier has called them back")
    func onTheRoad() {
        var ledger = gone(.dispatched(reference: "r"))
        cancel(&ledger)
        #expect(said(ledger).isEmpty && ledger.conflicts.isEmpty && ledger.changed == [order])
        var conversation = ShipmentConversation(ledger.shipment(of: order)!)
        #expect(conversation.nextCall == .track)
        #expect(conversation.hear(.dispatched(reference: "r"), to: .track) == .wait(atLeast: nil))
        #expect(conversation.replies.isEmpty)
        #expect(conversation.hear(.cancelled, to: .track) == .rest)
        #expect(conversation.shipment.status == .cancelled)
        #expect(conversation.replies.map(\.reply.outcome) == [.succeeded])
    }

    @Test("goods that have arrived cannot be cancelled, and an operator has to look")
    func tooLate() {
        var ledger = gone(.dispatched(reference: "r"), .delivered(reference: "r"))
        cancel(&ledger)
        #expect(ledger.conflicts == [UUID(high: 6, low: 1): .delivered])
        #expect(said(ledger).isEmpty)
    }

    /// Answers nothing at once, as a carrier over HTTP.
    private struct FarCarrier: Carrier {
        func immediateAnswer(to _: CarrierCall, for _: Shipment) -> CarrierAnswer? { nil }
        func perform(_: CarrierCall, for _: Shipment) async throws(CancellationError) -> CarrierAnswer { .notFound }
        func trackingDelay(of _: Shipment) -> Duration? { nil }
    }

    @Test("a booking that never left is withdrawn without asking the carrier; one that may have left is not")
    func neverSent() {
        let far = FarCarrier()
        for standing in [Shipment.Standing.unsent, .sent] {
            var shipment = Shipment(
                id: UUID(high: 9, low: 1), orderID: order, status: .requested,
                shipTo: Address(name: "A", street: "B", city: "C", postalCode: "1", country: "DE"),
                lines: [OrderLine(sku: "A", quantity: 1)], bookCommand: UUID(high: 5, low: 1))
            shipment.standing = standing
            var ledger = ShipmentLedger(shipments: [order: shipment], voided: [])
            ledger.cancel(order, command: UUID(high: 6, low: 1), carrier: far)
            let after = ledger.shipment(of: order)
            if standing == .unsent {
                #expect(after?.status == .withdrawn && after?.due == .never && !ledger.hasDueTimes)
                #expect(said(ledger) == ["book-shipment failed timed-out", "cancel-shipment nothing-to-undo"])
            } else {
                #expect(after?.status == .requested && after?.due == .nudged && said(ledger).isEmpty)
            }
        }
    }

    @Test("a carrier that tells by itself sets no due time")
    func off() {
        let silent = BuiltinCarrier(dispatchDelay: nil, deliveryDelay: nil)
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        book(&ledger)
        confirm(&ledger, silent)
        #expect(ledger.shipment(of: order)?.due == .never)
    }

    @Test("the builtin carrier is on time, and goods leave before they arrive")
    func onTime() {
        var shipment = Shipment(
            id: UUID(high: 9, low: 1), orderID: order, status: .booked,
            shipTo: Address(name: "A", street: "B", city: "C", postalCode: "1", country: "DE"), lines: [])
        for (status, age, answer, delay) in [
            (Shipment.Status.booked, 4.0, "booked", 1.0), (.booked, 5, "dispatched", 0), (.booked, 60, "dispatched", 0),
            (.dispatched, 9, "dispatched", 1), (.dispatched, 10, "delivered", 0),
        ] {
            shipment.status = status
            shipment.age = .seconds(age)
            let said = carrier.immediateAnswer(to: .track, for: shipment).map { "\($0)" } ?? ""
            #expect(said.hasPrefix(answer), "\(status) at \(age) s")
            #expect(carrier.trackingDelay(of: shipment) == .seconds(delay), "\(status) at \(age) s")
        }
    }
}
