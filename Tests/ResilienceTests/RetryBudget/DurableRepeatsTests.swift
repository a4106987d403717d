import Clocks
import Resilience
import TestSupport
import Testing

struct DurableRepeatsTests {
    private func budget(floor: Double = 0) -> RetryBudget {
        var configuration = RetryBudgetConfiguration()
        configuration.share = 1
        configuration.floorPerSecond = floor
        return RetryBudget(name: "provider", configuration: configuration, time: TestTime())
    }

    @Test(
        "a repeat without money is put off once, and then made: an empty budget delays durable work and never ends it")
    func putOff() {
        let budget = budget()
        let repeats = DurableRepeats<Int>()
        #expect((0..<6).map { _ in repeats.mayRepeat(1, paidFrom: budget) } == [false, true, false, true, false, true])
    }

    @Test("the first time is free, and a repeat that is paid for is made at once")
    func paid() {
        let budget = budget()
        let repeats = DurableRepeats<Int>()
        #expect(repeats.mayDo(1, paidFrom: budget) && repeats.mayDo(2, paidFrom: budget))
        #expect(budget.snapshot.refused == 0)
        budget.deposit()
        #expect(repeats.mayDo(1, paidFrom: budget))
        #expect(!repeats.mayDo(1, paidFrom: budget))
        #expect(!repeats.mayDo(2, paidFrom: budget))
        #expect((budget.snapshot.withdrawn, budget.snapshot.refused) == (1, 2))
    }

    @Test("work that is done is forgotten, and begins anew")
    func forgotten() {
        let budget = budget()
        let repeats = DurableRepeats<Int>()
        #expect(repeats.mayDo(1, paidFrom: budget))
        repeats.forget(1)
        #expect(repeats.mayDo(1, paidFrom: budget))
        #expect(!repeats.mayDo(1, paidFrom: budget))
    }

    @Test("beyond its bound it puts nothing off")
    func bound() {
        let budget = budget()
        let repeats = DurableRepeats<Int>(limit: 1)
        #expect(!repeats.mayRepeat(1, paidFrom: budget))
        #expect(repeats.mayRepeat(2, paidFrom: budget) && repeats.mayRepeat(2, paidFrom: budget))
        #expect(repeats.mayDo(3, paidFrom: budget) && repeats.mayDo(3, paidFrom: budget))
    }
}
