import Clocks
import Resilience
import TestSupport
import Testing

struct RetryBudgetTests {
    private let time = TestTime()

    private func configuration(
        share: Double = 0.2, floor: Double = 0, maximum: Int = 500
    ) -> RetryBudgetConfiguration {
        var configuration = RetryBudgetConfiguration()
        configuration.share = share
        configuration.floorPerSecond = floor
        configuration.maximumBalance = maximum
        configuration.lifetime = .seconds(5)
        return configuration
    }

    private func budget(_ configuration: RetryBudgetConfiguration) -> RetryBudget {
        RetryBudget(name: "payment", configuration: configuration, time: time)
    }

    @Test("what was deposited without looking at the clock is there, and expires in time")
    func pending() {
        let budget = budget(configuration(share: 1))
        for _ in 0..<3 { budget.deposit() }
        #expect(budget.balance == 3)
        time.advance(by: .seconds(4))
        budget.deposit()
        time.advance(by: .seconds(1))
        #expect(budget.balance == 1)
        time.advance(by: .seconds(3600))
        budget.deposit()
        #expect(budget.balance == 1)
    }

    @Test("deposits with the moment the call began never make what is there live longer")
    func oldMoments() {
        let budget = budget(configuration(share: 1))
        let begin = time.now
        for _ in 0..<10 {
            time.advance(by: .seconds(1))
            budget.deposit(now: begin)
        }
        #expect(budget.balance <= 10)
        time.advance(by: .seconds(5))
        #expect(budget.balance == 0)
    }

    @Test("it counts what was paid for and what could not be")
    func snapshot() {
        let budget = budget(configuration(floor: 2))
        #expect((0..<5).map { _ in budget.withdraw() } == [true, true, false, false, false])
        time.advance(by: .milliseconds(500))
        let snapshot = budget.snapshot
        #expect((snapshot.name, snapshot.withdrawn, snapshot.refused) == ("payment", 2, 3))
        #expect(snapshot.balance == 1)
    }

    @Test("from many threads no deposit is lost and none is spent twice")
    func threads() async {
        let budget = budget(configuration(share: 1, maximum: 1_000_000))
        let spent = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<2000 { budget.deposit() }
                    return 0
                }
                group.addTask { (0..<500).count { _ in budget.withdraw() } }
            }
            return await group.reduce(0, +)
        }
        #expect(budget.balance == Double(8000 - spent))
    }

    @Test("users of one dependency share one account; names beyond the bound share another")
    func registry() {
        let budgets = RetryBudgets(maximumCount: 2, time: time)
        let payment = budgets.budget(for: "payment")
        #expect(budgets.budget(for: "payment") === payment)
        #expect(budgets.budget(for: "inventory") !== payment)
        let third = budgets.budget(for: "shipping")
        #expect(third === budgets.budget(for: "carrier") && third.name == RetryBudgets.othersName)
        #expect(budgets.budget(for: "payment") === payment)
        #expect(payment.withdraw())
        #expect(budgets.snapshot.map(\.name) == ["inventory", "others", "payment"])
        #expect(budgets.snapshot.map(\.balance) == [3, 3, 2])
    }

    @Test("numbers that make no sense are named")
    func faults() {
        #expect(RetryBudgetConfiguration().faults.isEmpty)
        var configuration = RetryBudgetConfiguration()
        configuration.share = .nan
        configuration.floorPerSecond = -1
        configuration.lifetime = .milliseconds(99)
        configuration.maximumBalance = -1
        configuration.seldomPerSecond = -1
        configuration.floorShare = 1.1
        #expect(configuration.faults.count == 6)
    }
}
