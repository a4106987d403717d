import Clocks
import Resilience
import Telemetry

/// What a service is built on: its name and settings, clocks and randomness, logs, metrics, spans and health.
///
/// Handed to a service's `build`; everything that starts and stops goes into the list that `build` returns.
package struct Chassis: Sendable {
    package let service: String
    package let settings: ChassisSettings
    package let time: any TimeSource
    package let random: any RandomSource
    package let logger: Logger
    package let tracer: Tracer
    /// Takes the tracer's spans; nil where they go nowhere.
    let spans: SpanExporter?
    package let metrics: StandardMetrics
    package let health: HealthRegistry
    /// The circuit breakers of the process, for metrics and operators.
    package let breakers = BreakerDirectory()
    /// What the service adds to its admin port.
    package let adminRoutes = AdminExtensions()
    /// What operators decide about messages that were given up; empty in a service that hears none.
    package let deadLetters = DeadLetterDirectory()
    /// One account a dependency, for all that is done again: calls, redeliveries, repeated saga steps.
    package let retryBudgets: RetryBudgets
    /// Faults injected on purpose; takes no rules unless that was switched on.
    package let faults: FaultInjector
    /// How callers are known, and how the service makes itself known.
    package let identities: Identities

    package init(
        service: String, settings: ChassisSettings, time: any TimeSource, random: any RandomSource, logger: Logger,
        registry: MetricsRegistry = MetricsRegistry()
    ) {
        self.service = service
        self.settings = settings
        self.time = time
        self.random = random
        self.logger = logger
        metrics = StandardMetrics(service: service, registry: registry)
        if settings.tracing.endpoint != nil {
            let exporter = SpanExporter(service: service, time: time)
            spans = exporter
            tracer = Tracer(sampler: settings.tracing.traceSampler, time: time, random: random) { exporter.add($0) }
            metrics.observeSpans { exporter.statistics }
        } else {
            // The trace context goes in and out with every call and message all the same.
            spans = nil
            tracer = .disabled(time: time, random: random)
        }
        health = HealthRegistry(time: time)
        retryBudgets = RetryBudgets(time: time)
        metrics.observeRetryBudgets(retryBudgets)
        faults = FaultInjector(
            isEnabled: settings.injectsFaults, seed: random.next(), time: time
        ) { [metrics] event in
            if case .faultInjected(_, let fault) = event { metrics.faultsInjected.labelled(fault).increment() }
        }
        identities = Identities(
            settings.authentication, service: service, time: time, random: random, logger: logger, metrics: metrics,
            health: health)
    }
}
