import Clocks
import Synchronization
import Telemetry

/// Holds the plan that is in force, draws from it and counts what it does.
final class FaultSwitch: Sendable {
    private struct State {
        var plan: FaultPlan
        /// One sequence a scope: what happens in one does not move the others' chances.
        var randoms: [FaultScope: SeededRandom]

        init(_ plan: FaultPlan) {
            self.plan = plan
            randoms = [:]
            for (index, scope) in FaultScope.allCases.enumerated() {
                randoms[scope] = SeededRandom(seed: plan.seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
            }
        }
    }

    private let state: Mutex<State>
    private let injected: CounterFamily

    init(service: String, registry: MetricsRegistry, seed: UInt64) {
        state = Mutex(State(FaultPlan(seed: seed % (FaultPlan.largestSeed + 1))))
        injected = registry.counter(
            "provider_faults_injected_total", help: "Faults that were played on callers.", labels: ["scope", "fault"],
            constants: ["service": service])
    }

    var plan: FaultPlan { state.withLock(\.plan) }

    /// Puts a plan in force; its sequences begin anew.
    func replace(by plan: FaultPlan) {
        state.withLock { $0 = State(plan) }
    }

    /// What happens to the next request of the scope.
    func decide(_ scope: FaultScope) -> FaultDecision {
        let decision = draw(scope, none: .none) { $0.decide($1) }
        switch decision.refusal {
        case .hang: count(scope, "hang")
        case .throttle: count(scope, "throttle")
        case .reset: count(scope, "reset")
        case .error: count(scope, "error")
        case nil: break
        }
        switch decision.mishap {
        case .error: count(scope, "error-after")
        case .loseAnswer: count(scope, "lose-answer")
        case .truncate: count(scope, "truncate")
        case nil: break
        }
        if decision.latencyBefore + decision.latencyAfter > .zero { count(scope, "latency") }
        return decision
    }

    /// What happens to the next webhook.
    func decideWebhook() -> WebhookDecision {
        let decision = draw(.webhooks, none: .none) { $0.decideWebhook($1) }
        if decision.isLost {
            count(.webhooks, "lose-webhook")
        } else {
            if decision.delay > .zero { count(.webhooks, "webhook-delay") }
            if decision.isDoubled { count(.webhooks, "duplicate-webhook") }
        }
        return decision
    }

    /// What a single read says in place of the truth.
    func lie(about key: String, changed: Timestamp, now: Timestamp) -> FaultRules.Lie? {
        let plan = plan
        guard let rules = plan.rules(for: .queries) else { return nil }
        let lie = ReadLag(rules: rules, seed: plan.seed).lie(about: key, changed: changed, now: now)
        if lie != nil { count(.queries, "lying-status") }
        return lie
    }

    /// A token asked for a fault of its own.
    func countToken(_ fault: String) { count(.charges, fault) }

    private func draw<Decision: Sendable>(
        _ scope: FaultScope, none: Decision, _ decide: (FaultRules, SeededRandom) -> Decision
    ) -> Decision {
        state.withLock { state in
            guard let rules = state.plan.rules(for: scope), let random = state.randoms[scope] else { return none }
            return decide(rules, random)
        }
    }

    private func count(_ scope: FaultScope, _ fault: String) {
        injected.labelled(scope.rawValue, fault).increment()
    }
}
