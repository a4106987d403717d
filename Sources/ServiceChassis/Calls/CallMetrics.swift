import Telemetry

/// The metric families of calls to other services, declared when the first caller is made.
package struct CallMetrics: Sendable {
    /// How a call ended, as a label's value.
    package enum Result: String, Sendable {
        /// An answer below 500.
        case success
        /// An answer of 500 and above.
        case error
        /// No answer: refused, reset, or not HTTP.
        case failure
        case timeout
        /// Not tried: the breaker is open or the bulkhead full.
        case rejected
        case cancelled
    }

    package let callDuration: HistogramFamily
    package let breakerState: GaugeFamily
    package let breakerRequests: CounterFamily
    package let retryAttempts: CounterFamily

    package init(service: String, registry: MetricsRegistry) {
        callDuration = registry.histogram(
            "service_call_duration_seconds", help: "Time of a call to another service, retries included.",
            labels: ["operation", "result"], constants: ["service": service])
        breakerState = registry.gauge(
            "circuit_breaker_state", help: "0 closed, 1 open, 2 half-open.", labels: ["circuit_breaker"],
            constants: ["service": service])
        breakerRequests = registry.counter(
            "circuit_breaker_requests_total", help: "Calls by the state they met and what became of them.",
            labels: ["circuit_breaker", "state", "result"], constants: ["service": service])
        retryAttempts = registry.counter(
            "retry_attempts_total", help: "Attempts after the first.", labels: ["operation", "attempt"],
            constants: ["service": service])
    }
}
