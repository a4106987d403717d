import Clocks
import Kafka
import Messaging
import Resilience
import Synchronization
import Telemetry

/// Whether a broker answers: looked at every few seconds and after each lost connection, and told to metrics, health and
/// the circuit breaker, whose probe it is.
///
/// A service is not ready before a broker has answered once, unless it can do its work without one: then it is once the
/// circuit breaker knows that none is there. Afterwards an outage does not take it out of service: what it accepts waits
/// in the outbox.
final class BrokerHealth: Sendable {
    private static let interval = Duration.seconds(5)
    /// How soon a look that failed is repeated, and how soon at least one that the breaker did not want.
    private static let pauseWhileAway = Duration.milliseconds(100)
    private static let patience = Duration.seconds(1)

    private let producer: KafkaProducer
    private let circuit: KafkaCircuit
    private let trouble: Signal
    private let metrics: StandardMetrics
    private let time: any TimeSource
    private let hasFallback: Bool
    private let hasAnswered = Atomic(false)

    /// - Parameters:
    ///   - trouble: notified when there is a reason to look at once.
    ///   - hasFallback: whether commands have another way while no broker is there.
    init(
        _ producer: KafkaProducer, _ circuit: KafkaCircuit, trouble: Signal, hasFallback: Bool, _ chassis: Chassis
    ) {
        self.producer = producer
        self.circuit = circuit
        self.hasFallback = hasFallback
        self.trouble = trouble
        metrics = chassis.metrics
        time = chassis.time
        metrics.setDependency("broker", isHealthy: false)
        chassis.health.register(
            HealthCheck("broker") { [self] in
                guard hasAnswered.load(ordering: .relaxed) || hasFallback else {
                    throw HealthCheckFailure("no broker has answered yet")
                }
            })
    }

    var part: any Service {
        let first = Signal()
        let ready: @Sendable () async throws -> Void = {
            guard await first.wait() else { throw CancellationError() }
        }
        return ClosureService.untilCancelled("broker-health", ready: ready) { [self] in
            var isHealthy = await look()
            while true {
                if isHealthy || (hasFallback && circuit.breaker.state.refuses) { first.notify() }
                let next = time.now.advanced(by: pause(after: isHealthy))
                guard await trouble.wait(until: next, time: time) else { return }
                isHealthy = await look()
            }
        }
    }

    private func pause(after wasHealthy: Bool) -> Duration {
        if wasHealthy { return Self.interval }
        return min(max(circuit.pause ?? .zero, Self.pauseWhileAway), Self.interval)
    }

    private func look() async -> Bool {
        let isReachable = await circuit.look { await self.producer.reachesBroker(timeout: Self.patience) }
        guard let isReachable else { return false }
        metrics.setDependency("broker", isHealthy: isReachable)
        if isReachable { hasAnswered.store(true, ordering: .relaxed) }
        return isReachable
    }
}

extension CircuitBreakerConfiguration {
    /// Two looks that fail open it, which takes about two seconds, or two batches that time out; half of the batches that
    /// fail over a while do too. What it costs to open it too early is a second's wait in the outbox.
    static var kafka: CircuitBreakerConfiguration {
        var configuration = CircuitBreakerConfiguration()
        configuration.window = .time(.seconds(60))
        configuration.minimumCalls = 6
        configuration.consecutiveFailures = 2
        configuration.openTime = .exponential(base: .milliseconds(250), factor: 2, cap: .seconds(1), jitter: 0.2)
        configuration.permittedProbes = 1
        configuration.probeSuccessRatio = 1
        configuration.maximumHalfOpenWait = .seconds(5)
        return configuration
    }
}
