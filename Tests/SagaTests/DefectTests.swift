import Defects
import Saga
import Testing

/// Each deliberate defect of the machine shows; a check that does not notice them would prove nothing.
@Suite("Defects of the saga machine")
struct DefectTests {
    private func compensations(_ defect: Defect?, failing: Int = 2) throws -> [String] {
        try Defect.$simulated.withValue(defect) {
            var saga = try SagaScenario()
            let steps = ["reserve-stock", "charge-payment", "book-shipment"]
            for step in steps.prefix(failing) { saga.reply(step) }
            saga.reply(steps[failing], .failed(reason: "refused"))
            for _ in 0..<5 where !saga.state.isFinal {
                if let command = saga.machine.expectedCommand { saga.reply(command) }
            }
            #expect(saga.outcomes == [.compensated(reason: "refused")])
            return saga.journal.filter { $0.kind == .compensation }.map(\.step)
        }
    }

    @Test("without one, what was done is undone in reverse")
    func none() throws {
        #expect(try compensations(nil) == ["refund-payment", "release-stock"])
    }

    @Test("the last compensation is skipped")
    func skipped() throws {
        #expect(try compensations(.compensationSkipped) == ["refund-payment"])
        #expect(try compensations(.compensationSkipped, failing: 1) == [])
    }

    @Test("compensations go in the order of the steps")
    func inOrder() throws {
        #expect(try compensations(.compensatedInOrder) == ["release-stock", "refund-payment"])
        #expect(try compensations(.compensatedInOrder, failing: 1) == ["release-stock"])
        #expect(try compensations(.compensatedInOrder, failing: 0) == [])
    }

    @Test("a step without an answer is forgotten")
    func forgotten() throws {
        try Defect.$simulated.withValue(.dueTimesForgotten) {
            var saga = try SagaScenario()
            saga.wait(.seconds(10))
            saga.wait(.seconds(600))
            #expect(saga.sent == ["reserve-stock"] && saga.state.dueAt == nil && saga.state.status == .running)
        }
    }

    @Test("a reply after the end overturns it")
    func notFinal() throws {
        try Defect.$simulated.withValue(.endNotFinal) {
            var saga = try SagaScenario()
            saga.reply("reserve-stock", .failed(reason: "out-of-stock"))
            saga.reply("reserve-stock")
            #expect(saga.outcomes.count == 2 && saga.state.status == .completed)
        }
    }
}
