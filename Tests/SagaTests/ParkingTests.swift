import Clocks
import Saga
import Testing

@Suite("A saga that is parked")
struct ParkingTests {
    private func undoing() throws -> SagaScenario {
        var saga = try SagaScenario()
        saga.reply("reserve-stock")
        saga.reply("charge-payment", .failed(reason: "payment-declined"))
        return saga
    }

    @Test("while it undoes goes on undoing, with the attempt it had, and its time is not held against it")
    func backward() throws {
        var saga = try undoing()
        saga.park(for: .seconds(3600))
        #expect(saga.state.status == .parked && saga.history.last == "release-stock=parked")
        #expect(saga.machine.expectedCommand == "release-stock")
        saga.wait(.seconds(3600))
        #expect(saga.state.status == .compensating && saga.journal.last?.attempts == 1)
        #expect(saga.sent.suffix(2) == ["release-stock", "release-stock"])
        saga.reply("release-stock")
        #expect(saga.outcomes == [.compensated(reason: "payment-declined")])
    }

    @Test("while it undoes is not quarantined, however long that lasts")
    func neverQuarantined() throws {
        var saga = try undoing()
        for _ in 0..<1000 {
            saga.park(for: .seconds(5))
            saga.wait(.seconds(5))
        }
        #expect(saga.quarantined.isEmpty && saga.state.status == .compensating)
        #expect(saga.journal.last?.attempts == 1, "no attempt is spent")
    }

    @Test("takes the reply that comes anyway, either way")
    func replies() throws {
        var saga = try undoing()
        saga.park(for: .seconds(60))
        saga.reply("reserve-stock")
        #expect(saga.state.status == .parked, "that is not what it waits for")
        saga.reply("release-stock", .failed(reason: "odd"))
        #expect(saga.state.status == .compensating && saga.journal.last?.detail == "odd")
        saga.park(for: .seconds(60))
        saga.reply("release-stock", .nothingToUndo)
        #expect(saga.outcomes == [.compensated(reason: "payment-declined")])
    }

    @Test("again is only put off: the journal says it once")
    func again() throws {
        var saga = try SagaScenario()
        saga.park(for: .seconds(5))
        var machine = saga.machine
        #expect(machine.park(until: saga.now.advanced(by: .seconds(9))) == .actions([]))
        #expect(machine.state.dueAt == saga.now.advanced(by: .seconds(9)))
    }

    @Test("when it is being undone, a wish to cancel is met by that")
    func cancelled() throws {
        var saga = try undoing()
        saga.park(for: .seconds(60))
        #expect(saga.cancel() == .accepted)
        #expect(saga.state.status == .parked)
        saga.wait(.seconds(60))
        saga.reply("release-stock")
        #expect(saga.outcomes == [.compensated(reason: "payment-declined")])
    }

    @Test("before the pivot ends with the saga's deadline, and what may have been done is undone")
    func deadline() throws {
        var saga = try SagaScenario(deadline: .seconds(600))
        saga.reply("reserve-stock")
        for _ in 0..<200 where saga.state.failure == nil {
            saga.park(for: .seconds(5))
            saga.wait(.seconds(5))
        }
        #expect(saga.state.failure == "timed-out")
        #expect(saga.history == ["reserve-stock=succeeded", "charge-payment=unknown", "refund-payment=pending"])
        #expect(saga.now.milliseconds - saga.state.startedAt.milliseconds == 600_000)
    }

    @Test("at rest there is nothing to park")
    func atRest() throws {
        var saga = try undoing()
        saga.reply("release-stock")
        var machine = saga.machine
        #expect(machine.park(until: saga.now) == .ignored("the saga is at rest"))
    }

    @Test("an operator's retry sends the command again at once, whatever it waits for")
    func retry() throws {
        var saga = try SagaScenario()
        saga.retry()
        #expect(saga.sent == ["reserve-stock", "reserve-stock"] && saga.journal[0].attempts == 2)
        saga.park(for: .seconds(60))
        saga.retry()
        #expect(saga.state.status == .running && saga.sent.count == 3)
        saga.reply("reserve-stock", .failed(reason: "out-of-stock"))
        var machine = saga.machine
        #expect(machine.retry(now: saga.now) == .ignored("the saga has ended"))
    }
}
