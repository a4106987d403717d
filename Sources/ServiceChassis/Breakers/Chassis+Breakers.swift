import Clocks
import Resilience

extension Chassis {
    /// A circuit breaker that operators see and control, whose state is in the metrics and whose changes are in the log.
    ///
    /// - Parameter dependency: what it stands in front of; the breaker's own name unless given.
    package func circuitBreaker(
        _ name: String, dependency: String? = nil, _ configuration: CircuitBreakerConfiguration,
        onChange: @escaping @Sendable (CircuitBreakerTransition) -> Void = { _ in }
    ) -> CircuitBreaker {
        let breaker = CircuitBreaker(
            name: name, configuration: configuration, time: time, random: random
        ) { [logger] event in
            guard case .circuitBreakerChanged(let name, let change) = event else { return }
            logger.warning(
                "circuit breaker changed",
                [
                    "breaker": .text(name), "from": .text(change.from.label), "to": .text(change.to.label),
                    "cause": .text(change.cause.rawValue),
                ])
            onChange(change)
        }
        metrics.observeBreaker(breaker)
        breakers.register(breaker, dependency: dependency ?? name)
        return breaker
    }

    /// Shows operators and metrics the breakers of a registry, those to come included: one for each authority of the
    /// dependency. How many series that makes is bounded by the registry's own limit.
    package func showCircuitBreakers(of registry: CircuitBreakerRegistry, dependency: String) {
        metrics.addBreakers { registry.snapshots }
        breakers.register(registry, dependency: dependency)
    }
}

extension CircuitBreakerState {
    /// Whether calls are refused, or only some let through to find out.
    package var refuses: Bool {
        switch self {
        case .open, .halfOpen, .forcedOpen: true
        case .closed, .disabled, .metricsOnly: false
        }
    }
}
