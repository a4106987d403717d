import Clocks
import HTTPCodec
import Resilience
import ServiceChassis
import Telemetry
import Testing

@Suite("The retry budget of a dependency", .timeLimit(.minutes(1)))
struct RetryBudgetTests {
    private static var soon: MonotonicInstant { SystemTime().now.advanced(by: .seconds(20)) }

    @Test("pays for repeated calls, and its balance is in the metrics under the dependency's name")
    func calls() async throws {
        let service = ServiceCallerTests.Scripted([
            ServiceCallerTests.answer(503), ServiceCallerTests.answer(200),
        ])
        try await PeerBench.with(service) { caller, chassis in
            let budget = chassis.retryBudgets.budget(for: "asked-service")
            _ = try await caller.send(ServiceRequest(.get, "/x"), operation: "look", deadline: Self.soon)
            #expect(service.seen.count == 2)
            #expect(budget.snapshot.withdrawn == 1)
            let text = String(decoding: chassis.metrics.registry.text(), as: UTF8.self)
            #expect(text.contains("retry_budget_balance{service=\"asking-service\",dependency=\"asked-service\"} "))
        }
    }

    @Test("is one account: what others have spent is missing here, and then nothing is repeated")
    func shared() async throws {
        let service = ServiceCallerTests.Scripted([ServiceCallerTests.answer(503)])
        try await PeerBench.with(service) { caller, chassis in
            // As a saga does that sends commands to the same service again.
            let budget = chassis.retryBudgets.budget(for: "asked-service")
            while budget.withdraw() {}
            let spent = budget.snapshot.withdrawn
            await #expect(throws: CallError.self) {
                try await caller.send(ServiceRequest(.get, "/x"), operation: "look", deadline: Self.soon)
            }
            // Time may have brought a little back; what was not paid for was not done.
            #expect(service.seen.count == 1 + Int(budget.snapshot.withdrawn - spent))
            #expect(service.seen.count < 3 || budget.snapshot.withdrawn == spent + 2)
        }
    }
}
