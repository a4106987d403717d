import Clocks

/// Which calls get which faults, without clock or lock of its own.
///
/// Every rule draws for itself, from the seed, its name, and the number of the call among those it means (or the call's
/// key). So the same calls in the same order fare the same under the same seed, and another rule beside it changes
/// nothing about that.
struct FaultPlan: Sendable {
    /// What happens at one moment of a call.
    struct Injection: Hashable {
        /// The sum of the rules' latencies.
        var latency = Duration.zero
        /// That of the first rule that has one.
        var effect: FaultRule.Effect?
        /// The rule of the effect, or, without effect, the first.
        var name: String
        /// All rules that took part, in their order.
        var names: [String]
    }

    /// What happens to a call.
    struct Decision: Hashable {
        var before: Injection?
        var after: Injection?
    }

    private struct Entry: Sendable {
        let rule: FaultRule
        let endsAt: MonotonicInstant
        let seed: UInt64
        var matched: UInt64 = 0
        var injected: UInt64 = 0
    }

    /// More would slow down every call.
    static let maximumRules = 100

    private var entries: [Entry]

    /// - Precondition: The rules have no faults.
    init(_ rules: [FaultRule], seed: UInt64, now: MonotonicInstant) {
        entries = rules.map { rule in
            let endsAt = rule.lasts.map { now.advanced(by: $0) } ?? .distantFuture
            return Entry(rule: rule, endsAt: endsAt, seed: mixed(seed, rule.name))
        }
    }

    /// All that is wrong with the rules, as sentences.
    static func faults(in rules: [FaultRule]) -> [String] {
        var faults = rules.flatMap(\.faults)
        if rules.count > maximumRules { faults.append("there are more than \(maximumRules) rules") }
        var seen: Set<String> = []
        for rule in rules where !seen.insert(rule.name).inserted {
            faults.append("there is more than one rule \(rule.name)")
        }
        return faults
    }

    var counts: [FaultRuleCount] {
        entries.map { FaultRuleCount(rule: $0.rule, matched: $0.matched, injected: $0.injected) }
    }

    mutating func decide(operation: String, key: String?, now: MonotonicInstant) -> Decision {
        var decision = Decision()
        for index in entries.indices {
            let rule = entries[index].rule
            guard rule.operation.matches(operation), rule.key.matches(key), now < entries[index].endsAt else {
                continue
            }
            let number = entries[index].matched
            entries[index].matched += 1
            if let times = rule.times, entries[index].injected >= times { continue }
            var random = FastRandom(
                seed: rule.sampling == .calls
                    ? entries[index].seed ^ number &* 0xD6E8_FEB8_6659_FD93 : mixed(entries[index].seed, key ?? ""))
            // Drawn before what a rule of its kind may draw beside it, so that changing the latency changes no fate.
            guard random.nextUnit() < rule.rate else { continue }
            entries[index].injected += 1
            switch rule.moment {
            case .before: Self.add(rule, &random, to: &decision.before)
            case .after: Self.add(rule, &random, to: &decision.after)
            }
        }
        return decision
    }

    private static func add(_ rule: FaultRule, _ random: inout FastRandom, to injection: inout Injection?) {
        var changed = injection ?? Injection(name: rule.name, names: [])
        if let latency = rule.latency { changed.latency += latency.draw(&random) }
        if changed.effect == nil, let effect = rule.effect {
            changed.effect = effect
            changed.name = rule.name
        }
        changed.names.append(rule.name)
        injection = changed
    }
}

/// What one rule has done since the rules were set.
public struct FaultRuleCount: Hashable, Sendable {
    /// The rule.
    public let rule: FaultRule

    /// Calls it meant.
    public let matched: UInt64

    /// Calls it was injected into.
    public let injected: UInt64
}

/// A seed that depends on all of both (FNV-1a, then the finish of SplitMix64).
private func mixed(_ seed: UInt64, _ text: String) -> UInt64 {
    var hash = seed ^ 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    var random = FastRandom(seed: hash)
    return random.next()
}
