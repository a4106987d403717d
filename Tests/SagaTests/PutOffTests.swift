import Clocks
import Saga
import Testing

@Suite("A repeat that is put off")
struct PutOffTests {
    private let start = Timestamp(milliseconds: 1_767_225_600_000)

    private func machine(deadline: Duration? = nil) throws -> SagaMachine {
        let definition = try SagaDefinition(
            "place-order", version: 1, deadline: deadline, steps: SagaScenario.order)
        return SagaMachine(definition, SagaMachine.start(definition, now: start).state)
    }

    @Test("spends no attempt, sends nothing, and comes due again after a wait")
    func waits() throws {
        var machine = try machine()
        let due = start.advanced(by: .seconds(5))
        let before = machine.state
        #expect(machine.putOff(now: due) == .actions([]))
        #expect(machine.state.attempts == before.attempts)
        #expect(machine.state.entries == before.entries)
        #expect(machine.state.dueAt == due.advanced(by: .seconds(5)))
        guard case .actions(let actions) = machine.timer(now: due.advanced(by: .seconds(5))) else {
            Issue.record("not due")
            return
        }
        #expect(actions.contains(.send(step: 0, kind: .action, attempt: 2)))
    }

    @Test("does not put off the end of the saga's patience, nor its deadline", arguments: [nil, Duration.seconds(60)])
    func patience(deadline: Duration?) throws {
        var machine = try machine(deadline: deadline)
        let end = start.advanced(by: deadline ?? .seconds(120))
        while let due = machine.state.dueAt, due < end { _ = machine.putOff(now: due) }
        #expect(machine.state.dueAt == end)
        _ = machine.timer(now: end)
        #expect(machine.state.status == .compensating)
        #expect(machine.state.failure == SagaMachine.timedOut)
    }

    @Test("holds for compensations too, whose patience is longer")
    func compensation() throws {
        var machine = try machine()
        _ = machine.cancel(reason: "cancelled-by-customer", now: start)
        let due = try #require(machine.state.dueAt)
        #expect(machine.putOff(now: due) == .actions([]))
        #expect(machine.state.status == .compensating)
        #expect(machine.state.attempts == 1)
        #expect(machine.state.dueAt == due.advanced(by: .seconds(5)))
    }

    @Test("is ignored before it is due, and when the saga is at rest")
    func ignored() throws {
        var machine = try machine()
        #expect(machine.putOff(now: start) == .ignored("nothing is due"))
        #expect(machine.state.dueAt == start.advanced(by: .seconds(5)))
    }
}
