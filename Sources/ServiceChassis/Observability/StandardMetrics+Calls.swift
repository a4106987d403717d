import Resilience
import Telemetry

/// How a call to another service ended, as a label's value.
package enum CallResult: String, Sendable, CaseIterable {
    case success
    /// No usable answer: refused, reset, not HTTP, or a status of 500 and above.
    case failure
    case timeout
    /// Not tried: the circuit breaker is open, or too many calls are under way already.
    case rejected
    case cancelled
}

extension StandardMetrics {
    /// Connects a circuit breaker: its state, and its calls by state and result.
    package func observeBreaker(_ breaker: CircuitBreaker) {
        addBreakers { [breaker.snapshot] }
    }

    static func stateSamples(_ breakers: [CircuitBreakerSnapshot]) -> [MetricSample] {
        breakers.map { MetricSample([$0.name], $0.state.gauge) }
    }

    static func requestSamples(_ breakers: [CircuitBreakerSnapshot]) -> [MetricSample] {
        breakers.flatMap { breaker in
            CircuitBreakerState.allCases.flatMap { state in
                CircuitBreakerCounts.Result.allCases.compactMap { result in
                    let count = breaker.counts[state, result]
                    // A closed breaker's series are there from the start, the others once something happened in them.
                    guard count > 0 || state == .closed else { return nil }
                    return MetricSample([breaker.name, state.label, result.label], Double(count))
                }
            }
        }
    }
}

extension CircuitBreakerState {
    /// 0 closed, 1 open, 2 half-open; a state an operator forced counts as what it does with calls.
    var gauge: Int {
        switch self {
        case .closed, .disabled, .metricsOnly: 0
        case .open, .forcedOpen: 1
        case .halfOpen: 2
        }
    }

    /// The state's name in labels and logs.
    package var label: String {
        switch self {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half-open"
        case .forcedOpen: "forced-open"
        case .disabled: "disabled"
        case .metricsOnly: "metrics-only"
        }
    }
}

extension CircuitBreakerCounts.Result {
    var label: String {
        switch self {
        case .success: "success"
        case .failure: "failure"
        case .neutral: "neutral"
        case .rejected: "rejected"
        case .late: "late"
        }
    }
}
