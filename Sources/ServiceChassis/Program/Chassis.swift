import Clocks
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
    package let metrics: StandardMetrics
    package let health: HealthRegistry

    package init(
        service: String, settings: ChassisSettings, time: any TimeSource, random: any RandomSource, logger: Logger,
        registry: MetricsRegistry = MetricsRegistry()
    ) {
        self.service = service
        self.settings = settings
        self.time = time
        self.random = random
        self.logger = logger
        tracer = .disabled(time: time, random: random)
        metrics = StandardMetrics(service: service, registry: registry)
        health = HealthRegistry(time: time)
    }
}
