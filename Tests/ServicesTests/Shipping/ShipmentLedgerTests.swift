import Clocks
import Contracts
import Testing

@testable import ShippingService

@Suite("The shipment ledger")
struct ShipmentLedgerTests {
    private let now = Timestamp(microseconds: 1_000_000)
    private let order = UUID(high: 0, low: 1)
    private let carrier = BuiltinCarrier(dispatchDelay: .seconds(5), deliveryDelay: .seconds(10))

    private func book(_ ledger: inout ShipmentLedger, country: String = "DE") -> ShipmentLedger.Outcome {
        ledger.book(
            UUID(high: 9, low: 1), orderID: order,
            shipTo: Address(name: "A", street: "B", city: "C", postalCode: "1", country: country),
            lines: [OrderLine(sku: "A", quantity: 1)], carrier: carrier, now: now)
    }

    @Test("the builtin carrier goes everywhere but to Antarctica, and a refusal leaves no shipment")
    func refuses() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        #expect(book(&ledger, country: "AQ") == .refused)
        #expect(ledger.shipment(of: order) == nil)
        #expect(book(&ledger) == .booked(isNew: true))
        #expect(book(&ledger) == .booked(isNew: false))
    }

    @Test("nothing leaves before the order is confirmed")
    func waitsForConfirmation() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        _ = book(&ledger)
        #expect(ledger.shipment(of: order)?.dueAt == nil)
        ledger.confirm(order, carrier: carrier)
        #expect(ledger.shipment(of: order)?.dueAt == now.advanced(by: .seconds(5)))
    }

    @Test("a cancelled shipment stays cancelled, whatever comes later")
    func cancels() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        _ = book(&ledger)
        #expect(ledger.cancel(order) == .cancelled(isNew: true))
        #expect(ledger.cancel(order) == .cancelled(isNew: false))
        #expect(book(&ledger) == .voided)
        ledger.confirm(order, carrier: carrier)
        #expect(ledger.shipment(of: order)?.dueAt == nil)
    }

    @Test("a cancellation before its booking finds nothing to undo, and the booking that follows does nothing")
    func cancelFirst() {
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        #expect(ledger.cancel(order) == .nothingToUndo)
        #expect(ledger.newlyVoided == [order])
        #expect(book(&ledger) == .voided)
    }

    @Test("a carrier that tells by itself sets no due time")
    func off() {
        let silent = BuiltinCarrier(dispatchDelay: nil, deliveryDelay: nil)
        var ledger = ShipmentLedger(shipments: [:], voided: [])
        _ = book(&ledger)
        ledger.confirm(order, carrier: silent)
        #expect(ledger.shipment(of: order)?.dueAt == nil)
    }
}
