import Clocks
import Postgres
import Resilience
import TestSupport
import Testing

@testable import SagaRuntime

@Suite("Sagas and the retry budget of who carries out their commands")
struct RetryBudgetTests {
    /// One further command for each that was answered, and none without.
    private static func budgets() -> RetryBudgets {
        var configuration = RetryBudgetConfiguration()
        configuration.share = 1
        configuration.floorPerSecond = 0
        configuration.lifetime = .seconds(600)
        return RetryBudgets(configuration: configuration, time: SystemTime())
    }

    @Test("a command is not sent again while the budget is empty: it is put off and costs no attempt")
    func putOff() async throws {
        let budgets = Self.budgets()
        try await SagaBench.with(budgets: budgets) { bench, _ in
            let sagas = try await bench.start(2)
            try await bench.makeDue([sagas[0]])
            #expect(try await bench.coordinator.advanceDue() == 1)
            #expect(try await bench.said(about: sagas[0]).map(\.type) == ["pack"])
            #expect(try await bench.journal(sagas[0]) == ["pack action pending 1"])
            // It is due later, and not at once again.
            #expect(try await bench.coordinator.advanceDue() == 0)
            // The answer of another saga's command shows that the dependency works.
            try await bench.processor.process([bench.reply("pack", to: sagas[1])])
            #expect(budgets.budget(for: "post-office").balance == 1)
            try await bench.makeDue([sagas[0]])
            _ = try await bench.coordinator.advanceDue()
            #expect(try await bench.said(about: sagas[0]).map(\.type) == ["pack", "pack"])
            #expect(try await bench.journal(sagas[0]) == ["pack action pending 2"])
            #expect(budgets.budget(for: "post-office").balance == 0)
        }
    }

    @Test("first commands are free, and so is giving up")
    func firstIsFree() async throws {
        let budgets = Self.budgets()
        try await SagaBench.with(budgets: budgets) { bench, _ in
            let saga = try await bench.start(1)[0]
            _ = try await bench.client.query(
                Statement("UPDATE sagas SET step_started_at = now() - interval '1 h', due_at = now()"))
            _ = try await bench.coordinator.advanceDue()
            #expect(try await bench.status(saga) == "compensating")
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "unpack"])
            #expect(budgets.budget(for: "post-office").snapshot.refused == 0)
        }
    }

    @Test("a command that is sent again is not wanted for longer by that, and a compensation for ever")
    func deadlines() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            _ = try await bench.client.query(
                Statement("UPDATE sagas SET step_started_at = step_started_at - interval '60 s', due_at = now()"))
            _ = try await bench.coordinator.advanceDue()
            let patience = try await bench.patience(saga)
            #expect((119.0...120.0).contains(try #require(patience[0])))
            #expect((50.0...60.0).contains(try #require(patience[1])))
            _ = try await bench.client.query(
                Statement("UPDATE sagas SET step_started_at = now() - interval '1 h', due_at = now()"))
            _ = try await bench.coordinator.advanceDue()
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "pack", "unpack"])
            #expect(try await bench.patience(saga)[2] == nil)
        }
    }
}
