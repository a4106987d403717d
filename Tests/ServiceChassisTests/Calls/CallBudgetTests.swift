import Clocks
import HTTPCodec
import ServiceChassis
import TestSupport
import Testing

@Suite("What repeated calls are paid from", .timeLimit(.minutes(1)))
struct CallBudgetTests {
    @Test("with an empty budget nothing is sent again, and that is counted")
    func empty() async throws {
        let neighbour = Neighbour(TestTime()) { _, _ in .plain(503) }
        try await CallBench.with([neighbour]) { bench in
            // Three further calls can be paid for without anything earned.
            #expect(bench.metric("retry_budget_balance", "dependency=\"asked-service\"") == 3)
            var sent: [Int] = []
            for _ in 0..<4 {
                let before = neighbour.requests.count
                #expect(await bench.send(.get).kind == "unavailable")
                sent.append(neighbour.requests.count - before)
            }
            #expect(sent == [3, 2, 1, 1])
            #expect(bench.attempts(2) == 2 && bench.attempts(3) == 1)
            #expect(bench.suppressed == 3)
            #expect(bench.calls(.failure) == 4)
            #expect(bench.metric("retry_budget_balance", "dependency=\"asked-service\"") == 0)
        }
    }

    @Test("calls that end well earn: of twenty, three may be made again; those that fail earn nothing")
    func earned() async throws {
        let neighbour = Neighbour(TestTime())
        try await CallBench.with([neighbour]) { bench in
            bench.emptyBudget()
            for _ in 0..<20 { #expect(await bench.send(.get).kind == "200") }
            #expect(bench.metric("retry_budget_balance", "dependency=\"asked-service\"") == 3)
            neighbour.answer { _, _ in .plain(503) }
            for _ in 0..<4 { _ = await bench.send(.get) }
            #expect(bench.attempts(2) + bench.attempts(3) == 3)
            #expect(neighbour.requests.count == 20 + 4 + 3)
        }
    }

    @Test("what others spend on the same dependency, redelivered messages say, is not there for calls")
    func shared() async throws {
        let neighbour = Neighbour(TestTime()) { _, _ in .plain(503) }
        try await CallBench.with([neighbour]) { bench in
            #expect(bench.budget.withdraw() && bench.budget.withdraw())
            _ = await bench.send(.get)
            #expect(neighbour.requests.count == 2)
            #expect(bench.suppressed == 1)
        }
    }
}
