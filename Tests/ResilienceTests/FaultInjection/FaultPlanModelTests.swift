import Clocks
import Testing

@testable import Resilience

struct FaultPlanModelTests {
    private struct Call {
        let operation: String
        let key: String?
        let at: MonotonicInstant
    }

    /// Looks at one rule alone, and at all the calls at once.
    private struct NaiveRule {
        let rule: FaultRule
        let seed: UInt64

        /// For each call, how long the rule delays it; nil where it does nothing. And how many calls it meant.
        func fates(of calls: [Call], setAt begin: MonotonicInstant) -> (fates: [Duration?], meant: Int) {
            let meant = calls.indices.filter { means(calls[$0]) && isInTime(calls[$0], begin) }
            var fates = [Duration?](repeating: nil, count: calls.count)
            for (number, index) in meant.enumerated() { fates[index] = fate(number, calls[index].key) }
            // Injected no more often than allowed: the first ones are.
            var left = rule.times ?? .max
            for index in meant where fates[index] != nil {
                left -= 1
                if left < 0 { fates[index] = nil }
            }
            return (fates, meant.count)
        }

        private func means(_ call: Call) -> Bool {
            let isMeant =
                switch rule.operation {
                case .any: true
                case .exactly(let name): call.operation == name
                case .prefix(let start): call.operation.starts(with: start)
                }
            switch (rule.key, call.key) {
            case (.any, _): return isMeant
            case (.exactly(let name), let key?): return isMeant && key == name
            case (.prefix(let start), let key?): return isMeant && key.starts(with: start)
            case (_, nil): return false
            }
        }

        private func isInTime(_ call: Call, _ begin: MonotonicInstant) -> Bool {
            rule.lasts.map { begin.duration(to: call.at) < $0 } ?? true
        }

        private func fate(_ number: Int, _ key: String?) -> Duration? {
            let own = Self.hash(seed, rule.name)
            let drawn =
                rule.sampling == .keys ? Self.hash(own, key ?? "") : own ^ UInt64(number) &* 0xD6E8_FEB8_6659_FD93
            let random = SeededRandom(seed: drawn)
            guard random.nextUnit() < rule.rate else { return nil }
            switch rule.latency {
            case nil: return .zero
            case .fixed(let latency): return latency
            case .uniform(let from, let to):
                let span = Double((to - from).wholeNanoseconds)
                return from + .nanoseconds(Int64(span * random.nextUnit()))
            case .exponential: return nil  // Never drawn below: its distribution is tested elsewhere.
            }
        }

        private static func hash(_ seed: UInt64, _ text: String) -> UInt64 {
            let sum = text.utf8.reduce(seed ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
            return SeededRandom(seed: sum).next()
        }
    }

    private static func drawRule(_ number: Int, _ pick: (Int) -> Int) -> FaultRule {
        func match(_ names: [String]) -> FaultRule.Match {
            [.any, .any, .exactly(names[pick(names.count)]), .prefix(String(names[pick(names.count)].prefix(1)))][
                pick(4)]
        }
        var rule = FaultRule("rule-\(number)", rate: [0, 0.2, 0.5, 0.9, 1][pick(5)])
        rule.operation = match(["charge", "cancel", "refund"])
        rule.key = match(["a1", "a2", "b1"])
        rule.sampling = FaultRule.Sampling.allCases[pick(2)]
        rule.moment = FaultRule.Moment.allCases[pick(2)]
        rule.effect = [nil, .refusal, .error("reset"), .outcome("empty")][pick(4)]
        rule.latency = [nil, .fixed(.seconds(1)), .uniform(from: .zero, to: .seconds(3))][pick(3)]
        if rule.effect == nil, rule.latency == nil { rule.latency = .fixed(.milliseconds(5)) }
        rule.times = [nil, nil, 1, 4][pick(4)]
        rule.lasts = [nil, nil, .seconds(1), .seconds(6)][pick(4)]
        return rule
    }

    private static func drawCalls(from begin: MonotonicInstant, _ pick: (Int) -> Int) -> [Call] {
        var now = begin
        return (0..<80).map { _ in
            now = now.advanced(by: .milliseconds(pick(4) * 50))
            return Call(
                operation: ["charge", "cancel", "refund"][pick(3)], key: [nil, "a1", "a2", "b1", ""][pick(5)], at: now)
        }
    }

    /// What a moment of a call looks like when these rules take part, in their order.
    private static func injection(_ parts: [(rule: FaultRule, latency: Duration)]) -> FaultPlan.Injection? {
        guard let first = parts.first else { return nil }
        let decisive = parts.first { $0.rule.effect != nil }
        return FaultPlan.Injection(
            latency: parts.map(\.latency).reduce(.zero, +), effect: decisive?.rule.effect,
            name: (decisive ?? first).rule.name, names: parts.map(\.rule.name))
    }

    @Test(
        "it agrees with an evaluator that looks at each rule alone and at all calls at once, and does so every time",
        arguments: replayable(0..<150))
    func model(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let begin = MonotonicInstant(nanoseconds: 0)
        let rules = (0..<(1 + pick(5))).map { Self.drawRule($0, pick) }
        #expect(FaultPlan.faults(in: rules).isEmpty, "seed \(seed)")
        let calls = Self.drawCalls(from: begin, pick)
        let planSeed = random.next()
        let naive = rules.map { NaiveRule(rule: $0, seed: planSeed).fates(of: calls, setAt: begin) }

        var plan = FaultPlan(rules, seed: planSeed, now: begin)
        var again = FaultPlan(rules, seed: planSeed, now: begin)
        for (index, call) in calls.enumerated() {
            let parts = zip(rules, naive).compactMap { rule, column in
                column.fates[index].map { (rule: rule, latency: $0) }
            }
            let expected = FaultPlan.Decision(
                before: Self.injection(parts.filter { $0.rule.moment == .before }),
                after: Self.injection(parts.filter { $0.rule.moment == .after }))
            let decision = plan.decide(operation: call.operation, key: call.key, now: call.at)
            #expect(decision == expected, "seed \(seed), call \(index)")
            let repeated = again.decide(operation: call.operation, key: call.key, now: call.at)
            #expect(repeated == decision, "seed \(seed), call \(index)")
        }
        #expect(plan.counts.map { Int($0.matched) } == naive.map(\.meant), "seed \(seed)")
        #expect(
            plan.counts.map { Int($0.injected) } == naive.map { $0.fates.count { $0 != nil } }, "seed \(seed)")
    }
}
