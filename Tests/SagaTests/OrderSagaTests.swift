import Clocks
import Saga
import Testing

@Suite("A saga like that of an order")
struct OrderSagaTests {
    @Test("goes through its steps, the pivot in one stroke with the next command")
    func happyPath() throws {
        var saga = try SagaScenario()
        saga.reply("reserve-stock")
        saga.reply("charge-payment")
        saga.reply("book-shipment")
        #expect(saga.sent == ["reserve-stock", "charge-payment", "book-shipment", "(confirm)", "commit-stock"])
        saga.reply("commit-stock")
        #expect(saga.outcomes == [.completed])
        #expect(saga.history.allSatisfy { $0.hasSuffix("=succeeded") })
        #expect(saga.journal[3].channel == .local)
        #expect(saga.state.dueAt == nil)
    }

    @Test("undoes exactly the completed steps, in reverse, when a step is refused")
    func compensates() throws {
        var saga = try SagaScenario()
        saga.reply("reserve-stock")
        saga.reply("charge-payment")
        saga.reply("book-shipment", .failed(reason: "shipping-unavailable"))
        saga.reply("refund-payment")
        #expect(saga.outcomes.isEmpty, "the customer hears of it only when all is undone")
        saga.reply("release-stock")
        #expect(
            saga.history == [
                "reserve-stock=succeeded", "charge-payment=succeeded", "book-shipment=failed",
                "refund-payment=succeeded", "release-stock=succeeded",
            ])
        #expect(saga.journal[3].undoes == "charge-payment")
        #expect(saga.outcomes == [.compensated(reason: "shipping-unavailable")])
    }

    @Test("a refusal of the first step ends it at once")
    func firstRefused() throws {
        var saga = try SagaScenario()
        saga.reply("reserve-stock", .failed(reason: "out-of-stock"))
        #expect(saga.sent == ["reserve-stock"])
        #expect(saga.outcomes == [.compensated(reason: "out-of-stock")])
    }

    @Test("sends a command again with growing waits and counts the attempts in the journal")
    func resends() throws {
        var saga = try SagaScenario()
        saga.wait(.milliseconds(4999))
        #expect(saga.sent.count == 1)
        saga.wait(.milliseconds(1))
        #expect(saga.sent == ["reserve-stock", "reserve-stock"])
        saga.wait(.milliseconds(7499))
        #expect(saga.sent.count == 2)
        saga.wait(.milliseconds(1))
        saga.wait(.seconds(10))
        #expect(saga.sent.count == 4, "no wait is longer than 10 s")
        #expect(saga.journal[0].attempts == 4)
        saga.reply("reserve-stock")
        #expect(saga.journal[0].status == .succeeded && saga.journal[0].attempts == 4)
    }

    @Test("a step without an answer counts as completed: its compensation is sent")
    func unknownStep() throws {
        var saga = try SagaScenario()
        saga.reply("reserve-stock")
        for _ in 0..<20 where saga.state.status == .running { saga.wait(.seconds(10)) }
        #expect(saga.state.status == .compensating)
        #expect(saga.journal[1].status == .unknown)
        #expect(saga.sent.last == "refund-payment")
        saga.reply("refund-payment", .nothingToUndo)
        saga.reply("release-stock")
        #expect(saga.journal[2].detail == "nothing-to-undo")
        #expect(saga.outcomes == [.compensated(reason: "timed-out")])
    }

    @Test("late, repeated and foreign replies change nothing")
    func ignoredReplies() throws {
        var saga = try SagaScenario()
        saga.reply("charge-payment")
        saga.reply("reserve-stock")
        saga.reply("reserve-stock", .failed(reason: "out-of-stock"))
        saga.reply("nonsense")
        #expect(saga.sent == ["reserve-stock", "charge-payment"])
        #expect(saga.history == ["reserve-stock=succeeded", "charge-payment=pending"])
        var machine = saga.machine
        #expect(
            machine.reply(to: "reserve-stock", .succeeded, now: saga.now)
                == .ignored("no reply to reserve-stock is waited for"))
    }

    @Test("behind the pivot it never gives up and never fails")
    func retriable() throws {
        var saga = try SagaScenario()
        for step in ["reserve-stock", "charge-payment", "book-shipment"] { saga.reply(step) }
        for _ in 0..<100 { saga.wait(.seconds(10)) }
        saga.reply("commit-stock", .failed(reason: "odd"))
        #expect(saga.state.status == .running)
        saga.wait(.seconds(10))
        saga.reply("commit-stock")
        #expect(saga.outcomes == [.completed])
    }

    @Test("a compensation that gets no answer is quarantined with what remains, and can be redriven")
    func quarantine() throws {
        var saga = try SagaScenario()
        saga.reply("reserve-stock")
        saga.reply("charge-payment", .failed(reason: "payment-declined"))
        for _ in 0..<70 where saga.state.status == .compensating { saga.wait(.seconds(10)) }
        #expect(saga.quarantined == ["release-stock"])
        #expect(saga.outcomes.isEmpty && saga.state.dueAt == nil)
        #expect(saga.journal.allSatisfy { $0.status != .pending }, "at rest no entry is pending")
        let attempts = saga.journal[2].attempts
        saga.redrive()
        #expect(saga.journal.count == 3 && saga.journal[2].attempts == attempts + 1, "a repeat is no new entry")
        saga.reply("release-stock")
        #expect(saga.outcomes == [.compensated(reason: "payment-declined")])
    }

    @Test("a compensation that is refused is tried again")
    func refusedCompensation() throws {
        var saga = try SagaScenario()
        saga.reply("reserve-stock")
        saga.reply("charge-payment", .failed(reason: "payment-declined"))
        saga.reply("release-stock", .failed(reason: "odd"))
        #expect(saga.state.status == .compensating && saga.journal[2].detail == "odd")
        saga.wait(.seconds(10))
        #expect(saga.sent.suffix(2) == ["release-stock", "release-stock"])
        saga.reply("release-stock")
        #expect(saga.outcomes == [.compensated(reason: "payment-declined")])
    }

    @Test("time spent parked is not held against the step")
    func parkedTime() throws {
        var saga = try SagaScenario()
        saga.park(for: .seconds(300))
        saga.wait(.seconds(300))
        saga.wait(.seconds(10))
        #expect(saga.state.status == .running)
    }

    @Test("without a pivot a cancellation is refused from the first step that cannot be undone on")
    func cancelWithoutPivot() throws {
        var saga = try SagaScenario([.compensatable("a", undoneBy: "b"), .retriable("c")])
        saga.reply("a")
        #expect(saga.cancel() == .alreadyCompleted)
    }

    @Test("a cancellation before the pivot undoes what is under way too")
    func cancelled() throws {
        var saga = try SagaScenario()
        saga.reply("reserve-stock")
        #expect(saga.cancel() == .accepted)
        #expect(saga.history == ["reserve-stock=succeeded", "charge-payment=unknown", "refund-payment=pending"])
        saga.reply("charge-payment")
        saga.reply("refund-payment")
        saga.reply("release-stock")
        #expect(saga.outcomes == [.compensated(reason: "cancelled-by-customer")])
        #expect(saga.cancel() == .accepted, "cancelled once is cancelled")
    }

    @Test("a cancellation is refused after the pivot and after a rejection")
    func cancelRefused() throws {
        var saga = try SagaScenario()
        for step in ["reserve-stock", "charge-payment", "book-shipment"] { saga.reply(step) }
        #expect(saga.cancel() == .alreadyCompleted)
        saga.reply("commit-stock")
        #expect(saga.cancel() == .alreadyCompleted)
        var rejected = try SagaScenario()
        rejected.reply("reserve-stock", .failed(reason: "out-of-stock"))
        #expect(rejected.cancel() == .alreadyFailed)
    }

    @Test("parked, it waits without spending an attempt, and a reply that comes anyway counts")
    func parked() throws {
        var saga = try SagaScenario()
        saga.park(for: .seconds(60))
        #expect(saga.history == ["reserve-stock=parked"])
        saga.wait(.seconds(59))
        #expect(saga.sent.count == 1)
        saga.wait(.seconds(1))
        #expect(saga.sent.count == 2 && saga.journal[0].attempts == 1)
        saga.park(for: .seconds(60))
        saga.reply("reserve-stock")
        #expect(saga.sent.last == "charge-payment")
    }

    @Test("a saga that takes too long as a whole is undone, but only before the pivot")
    func deadline() throws {
        var saga = try SagaScenario(deadline: .seconds(30))
        saga.now = saga.now.advanced(by: .seconds(28))
        saga.reply("reserve-stock")
        saga.wait(.seconds(5))
        #expect(saga.journal[1].status == .unknown)
        var late = try SagaScenario(deadline: .seconds(30))
        for step in ["reserve-stock", "charge-payment", "book-shipment"] { late.reply(step) }
        late.wait(.seconds(100))
        #expect(late.state.status == .running)
    }
}
