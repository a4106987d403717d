import Invariants
import Testing

@Suite("The books of the four services")
struct AuditTests {
    private static let order = #"""
        {"service":"order-service","takenAt":"x","orders":{"pending":0,"confirmed":1,"rejected":1,"cancelled":0,"shipped":1,"delivered":0},
         "totals":{"EUR":{"confirmed":300}},
         "sagas":{"running":0,"compensating":0,"parked":0,"quarantined":0,"completed":2,"compensated":1,"overdue":0},
         "outboxPending":0,"deadLetters":0}
        """#
    private static let inventory = #"""
        {"service":"inventory-service","takenAt":"x","items":[{"sku":"A","received":10,"available":8,"reserved":0,"shipped":2}],
         "reservations":{"reserved":0,"shipped":2,"released":1},"outboxPending":0,"deadLetters":0}
        """#
    private static let payment = #"""
        {"service":"payment-service","takenAt":"x","payments":{"pending":0,"captured":2,"declined":0,"refunded":1,"in-doubt":0},
         "totals":{"EUR":{"captured":350,"refunded":50}},"outboxPending":0,"deadLetters":0}
        """#
    private static let shipping = #"""
        {"service":"shipping-service","takenAt":"x","shipments":{"booked":1,"cancelled":0,"dispatched":1,"delivered":0},
         "outboxPending":0,"deadLetters":0}
        """#

    private func audits(changing text: String = "", to other: String = "") throws -> Audits {
        var audits = Audits()
        for body in [Self.order, Self.inventory, Self.payment, Self.shipping] {
            let parts =
                text.isEmpty
                ? [body] : body.split(separator: text, maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            try audits.add(Array(parts.joined(separator: other).utf8))
        }
        return audits
    }

    @Test("that agree have no violation")
    func agree() throws {
        let books = try audits()
        #expect(books.isAtRest)
        #expect(books.violationsAtRest().isEmpty, "\(books.violationsAtRest())")
    }

    @Test(
        "that disagree name the promise that is broken",
        arguments: [
            (#""available":8"#, #""available":9"#, Violation.Promise.stockConserved),
            (#""available":8,"reserved":0,"shipped":2"#, #""available":12,"reserved":-4,"shipped":2"#, .stockConserved),
            (#""captured":350"#, #""captured":351"#, .moneyAtMostOnce),
            (#""captured":2,"declined""#, #""captured":3,"declined""#, .noMoneyWithoutGoods),
            (#""booked":1"#, #""booked":0"#, .noMoneyWithoutGoods),
            (#""reserved":0,"shipped":2,"released""#, #""reserved":1,"shipped":2,"released""#, .stockConserved),
            (#""running":0"#, #""running":1"#, .oneFinalState),
            (#""quarantined":0"#, #""quarantined":1"#, .oneFinalState),
            (#""overdue":0"#, #""overdue":2"#, .oneFinalState),
            (#""in-doubt":0"#, #""in-doubt":1"#, .moneyAtMostOnce),
            (#""deadLetters":0"#, #""deadLetters":1"#, .nothingDroppedSilently),
            (#""outboxPending":0"#, #""outboxPending":1"#, .oneFinalState),
        ])
    func disagree(text: String, other: String, promise: Violation.Promise) throws {
        let found = try audits(changing: text, to: other).violationsAtRest()
        #expect(found.contains { $0.promise == promise }, "\(found)")
    }
}

@Suite("An order at rest")
struct ObservedOrderTests {
    private func order(
        _ status: String, timeline: String, payment: String = "null", shipment: String = "null"
    ) throws -> ObservedOrder {
        try ObservedOrder(
            Array(
                #"{"id":"o","status":"\#(status)","reason":null,"total":{"amount":5,"currency":"EUR"},"timeline":[\#(timeline)],"payment":\#(payment),"shipment":\#(shipment),"degraded":[]}"#
                    .utf8))
    }

    private func step(_ name: String, _ status: String, undoes: String? = nil) -> String {
        let undone = undoes.map { "\"\($0)\"" } ?? "null"
        return
            #"{"step":"\#(name)","kind":"\#(undoes == nil ? "action" : "compensation")","undoes":\#(undone),"status":"\#(status)"}"#
    }

    private let captured =
        #"{"status":"captured","captured":{"amount":5,"currency":"EUR"},"refunded":{"amount":0,"currency":"EUR"}}"#

    @Test("that was confirmed needs its payment and its shipment")
    func confirmed() throws {
        let good = try order(
            "confirmed", timeline: step("a", "succeeded"), payment: captured, shipment: #"{"status":"booked"}"#)
        #expect(good.violations().isEmpty)
        let unpaid = try order("shipped", timeline: "", shipment: #"{"status":"dispatched"}"#)
        #expect(unpaid.violations().map(\.promise) == [.noMoneyWithoutGoods])
        let unshipped = try order("confirmed", timeline: "", payment: captured)
        #expect(unshipped.violations().map(\.promise) == [.noMoneyWithoutGoods])
    }

    @Test("that was rejected keeps no money and undid what was done, the last first")
    func rejected() throws {
        let kept = try order("rejected", timeline: "", payment: captured)
        #expect(kept.violations().map(\.promise) == [.noMoneyWithoutGoods])
        let steps = [step("a", "succeeded"), step("b", "unknown"), step("c", "failed")]
        let good = try order(
            "rejected",
            timeline: (steps + [step("undo-b", "succeeded", undoes: "b"), step("undo-a", "succeeded", undoes: "a")])
                .joined(separator: ","))
        #expect(good.violations().isEmpty)
        let forward = try order(
            "rejected",
            timeline: (steps + [step("undo-a", "succeeded", undoes: "a"), step("undo-b", "succeeded", undoes: "b")])
                .joined(separator: ","))
        #expect(forward.violations().map(\.promise) == [.compensatedInReverse])
    }

    @Test("has an outcome and no entry that still waits")
    func final() throws {
        let found = try order("pending", timeline: step("a", "pending")).violations()
        #expect(Set(found.map(\.promise)).contains(.oneFinalState))
        #expect(found.count >= 2)
    }
}
