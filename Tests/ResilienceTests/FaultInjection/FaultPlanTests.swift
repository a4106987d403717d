import Clocks
import Testing

@testable import Resilience

struct FaultPlanTests {
    private let now = MonotonicInstant(nanoseconds: 0)

    private func plan(_ rules: [FaultRule], seed: UInt64 = 1) -> FaultPlan { FaultPlan(rules, seed: seed, now: now) }

    /// For each of so many calls, whether the rule of this name was injected.
    private func fates(_ plan: FaultPlan, of name: String, keys: [String?]) -> [Bool] {
        var plan = plan
        return keys.map { key in
            plan.decide(operation: "o", key: key, now: now).before?.names.contains(name) ?? false
        }
    }

    private let thousand: [String?] = (0..<1000).map { "key-\($0)" }

    @Test("the same seed and calls give the same faults, another seed gives others")
    func repeatable() {
        let rule = FaultRule("f", rate: 0.3, effect: .refusal)
        let first = fates(plan([rule]), of: "f", keys: thousand)
        #expect(first == fates(plan([rule]), of: "f", keys: thousand))
        #expect(first != fates(plan([rule], seed: 2), of: "f", keys: thousand))
    }

    @Test("a rule's draws depend neither on its place nor on the rules beside it, nor on its own latency")
    func independent() {
        let rule = FaultRule("f", rate: 0.3, effect: .refusal)
        let other = FaultRule("g", rate: 0.5, latency: .uniform(from: .zero, to: .seconds(1)))
        var slow = rule
        slow.latency = .exponential(mean: .seconds(1), cap: .seconds(9))
        let alone = fates(plan([rule]), of: "f", keys: thousand)
        #expect(alone == fates(plan([other, rule]), of: "f", keys: thousand))
        #expect(alone == fates(plan([slow]), of: "f", keys: thousand))
        #expect(alone != fates(plan([other]), of: "g", keys: thousand))
    }

    @Test("the rate is kept", arguments: [0, 0.001, 0.1, 0.5, 0.9, 1], FaultRule.Sampling.allCases)
    func rate(rate: Double, sampling: FaultRule.Sampling) {
        var rule = FaultRule("f", rate: rate, effect: .refusal)
        rule.sampling = sampling
        let keys: [String?] = (0..<10_000).map { "key-\($0)" }
        let hits = Double(fates(plan([rule]), of: "f", keys: keys).count { $0 })
        // Five standard deviations.
        let tolerance = 5 * (10_000 * rate * (1 - rate)).squareRoot()
        #expect(abs(hits - 10_000 * rate) <= tolerance)
    }

    @Test("with rates by key a key fares alike at every call and in every order, with rates by call it does not")
    func byKey() {
        var rule = FaultRule("f", rate: 0.5, effect: .refusal)
        rule.sampling = .keys
        let forwards = fates(plan([rule]), of: "f", keys: thousand)
        #expect(forwards == fates(plan([rule]), of: "f", keys: thousand.reversed()).reversed())
        #expect(Set(fates(plan([rule]), of: "f", keys: [String?](repeating: "same", count: 100))).count == 1)
        rule.sampling = .calls
        #expect(Set(fates(plan([rule]), of: "f", keys: [String?](repeating: "same", count: 100))).count == 2)
    }

    @Test(
        "latencies have the distribution that was asked for",
        arguments: [
            (FaultRule.Latency.fixed(.milliseconds(100)), 100.0, 100.0, 100.0),
            (.uniform(from: .milliseconds(50), to: .milliseconds(150)), 100, 50, 150),
            (.exponential(mean: .milliseconds(100), cap: .seconds(10)), 100, 0, 10_000),
            (.exponential(mean: .milliseconds(100), cap: .milliseconds(100)), 63.2, 0, 100),
        ])
    func latency(latency: FaultRule.Latency, mean: Double, low: Double, high: Double) {
        var plan = plan([FaultRule("f", latency: latency)])
        var sum = 0.0
        for _ in 0..<20_000 {
            let drawn = plan.decide(operation: "o", key: nil, now: now).before?.latency ?? .seconds(-1)
            let milliseconds = drawn.inSeconds * 1000
            #expect(milliseconds >= low && milliseconds <= high)
            sum += milliseconds
        }
        #expect(abs(sum / 20_000 - mean) <= 0.04 * mean)
    }

    @Test("rules of both moments go their own ways in one call")
    func moments() {
        var lost = FaultRule("lost", effect: .error("reset"))
        lost.moment = .after
        var plan = plan([lost, FaultRule("slow", latency: .fixed(.seconds(1)))])
        let decision = plan.decide(operation: "o", key: nil, now: now)
        #expect(decision.before == .init(latency: .seconds(1), effect: nil, name: "slow", names: ["slow"]))
        #expect(decision.after == .init(latency: .zero, effect: .error("reset"), name: "lost", names: ["lost"]))
    }
}
