import Clocks
import Contracts
import Testing

@testable import InventoryService

@Suite("The stock ledger")
struct StockLedgerTests {
    private let order = UUID(high: 0, low: 1)
    private let other = UUID(high: 0, low: 2)

    private func ledger(_ available: [String: Int64], voided: Set<UUID> = []) -> StockLedger {
        StockLedger(
            levels: available.mapValues { StockLevel(received: $0, available: $0) }, reservations: [:], voided: voided)
    }

    @Test("a reservation takes all its lines")
    func reserves() {
        var ledger = ledger(["A": 5, "B": 1])
        #expect(
            ledger.reserve([OrderLine(sku: "A", quantity: 2), OrderLine(sku: "B", quantity: 1)], for: order) == .done)
        #expect(ledger.level("A") == StockLevel(received: 5, available: 3, reserved: 2))
        #expect(ledger.level("B") == StockLevel(received: 1, available: 0, reserved: 1))
        #expect(ledger.newReservations == [order])
    }

    @Test("without enough of one line nothing is reserved, and no reservation is left")
    func allOrNothing() {
        var ledger = ledger(["A": 5, "B": 0])
        let lines = [OrderLine(sku: "A", quantity: 2), OrderLine(sku: "B", quantity: 1)]
        #expect(ledger.reserve(lines, for: order) == .refused(.outOfStock))
        #expect(ledger.level("A")?.available == 5)
        #expect(ledger.newReservations.isEmpty && ledger.changedItems.isEmpty)
    }

    @Test("an item that inventory does not know refuses the order as unknown-item")
    func unknownItem() {
        var ledger = ledger(["A": 5])
        #expect(ledger.reserve([OrderLine(sku: "Z", quantity: 1)], for: order) == .refused(.unknownItem))
    }

    @Test("a later command of the batch sees what an earlier one took")
    func withinBatch() {
        var ledger = ledger(["A": 5])
        #expect(ledger.reserve([OrderLine(sku: "A", quantity: 4)], for: order) == .done)
        #expect(ledger.reserve([OrderLine(sku: "A", quantity: 2)], for: other) == .refused(.outOfStock))
        #expect(ledger.release(order) == .done)
        #expect(ledger.reserve([OrderLine(sku: "A", quantity: 2)], for: other) == .done)
    }

    @Test("a repeat is answered alike and takes nothing more")
    func repeats() {
        var ledger = ledger(["A": 5])
        for expected in [StockLedger.Outcome.done, .alreadyDone] {
            #expect(ledger.reserve([OrderLine(sku: "A", quantity: 4)], for: order) == expected)
        }
        for expected in [StockLedger.Outcome.done, .alreadyDone] { #expect(ledger.commit(order) == expected) }
        #expect(ledger.level("A") == StockLevel(received: 5, available: 1, reserved: 0, shipped: 4))
    }

    @Test("a release before its reservation finds nothing to undo, and the reservation that follows does nothing")
    func releaseFirst() {
        var ledger = ledger(["A": 5])
        #expect(ledger.release(order) == .nothingToUndo)
        #expect(ledger.newlyVoided == [order])
        #expect(ledger.reserve([OrderLine(sku: "A", quantity: 4)], for: order) == .voided)
        #expect(ledger.level("A")?.available == 5)
    }

    @Test("shipped stock is not released, released stock is not shipped")
    func conflicts() {
        var ledger = ledger(["A": 5])
        _ = ledger.reserve([OrderLine(sku: "A", quantity: 1)], for: order)
        _ = ledger.commit(order)
        #expect(ledger.release(order) == .conflict(.shipped))
        _ = ledger.reserve([OrderLine(sku: "A", quantity: 1)], for: other)
        _ = ledger.release(other)
        #expect(ledger.commit(other) == .conflict(.released))
    }

    @Test("stock is conserved whatever commands come, however often", arguments: 0..<100 as Range<UInt64>)
    func conserved(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var ledger = ledger(["A": 20, "B": 10, "C": 0])
        for _ in 0..<200 {
            let order = UUID(high: 0, low: random.next() % 12)
            switch random.next() % 4 {
            case 0: _ = ledger.release(order)
            case 1: _ = ledger.commit(order)
            default:
                let lines = ["A", "B", "C"].filter { _ in random.next() % 2 == 0 }
                    .map { OrderLine(sku: $0, quantity: Int64(random.next() % 4) + 1) }
                if !lines.isEmpty { _ = ledger.reserve(lines, for: order) }
            }
            for sku in ["A", "B", "C"] { #expect(ledger.level(sku)?.isConserved == true, "seed \(seed)") }
        }
        let open = (0..<12).compactMap { ledger.reservation(UUID(high: 0, low: $0)) }.filter { $0.status == .reserved }
        for sku in ["A", "B", "C"] {
            let reserved = open.flatMap(\.lines).filter { $0.sku == sku }.map(\.quantity).reduce(0, +)
            #expect(ledger.level(sku)?.reserved == reserved, "seed \(seed)")
        }
    }
}
