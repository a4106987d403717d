import Resilience
import Synchronization
import Telemetry

/// The metric families every service has, declared before the first event so that they are there from the start.
///
/// What is counted elsewhere (a pool, a consumer, an outbox) is read when the metrics are asked for: connect it once with
/// the `observe` methods. A reader runs on the scraping task and has to return at once.
package final class StandardMetrics: Sendable {
    /// The state of a connection pool at one moment.
    package struct PoolNumbers: Sendable, Hashable {
        package var idle: Int
        package var busy: Int
        package var connecting: Int
        package var maximum: Int

        package init(idle: Int, busy: Int, connecting: Int, maximum: Int) {
            self.idle = idle
            self.busy = busy
            self.connecting = connecting
            self.maximum = maximum
        }
    }

    struct Readers {
        var pool: (@Sendable () -> PoolNumbers)?
        var outboxPending: (@Sendable () -> Int)?
        var outboxOldest: (@Sendable () -> Duration)?
        var consumerLag: [@Sendable () -> [(topic: String, partition: Int, lag: Int)]] = []
        var deadLetters: (@Sendable () -> [(topic: String, count: Int)])?
        var breakers: [@Sendable () -> [CircuitBreakerSnapshot]] = []
        var bulkheads: [@Sendable () -> (name: String, figures: Bulkhead.Snapshot)] = []
        var parked: (@Sendable () -> [(topic: String, count: Int)])?
        var parks: [(topic: String, count: @Sendable () -> UInt64)] = []
        var discards: (@Sendable () -> [(topic: String, count: Int)])?
        var retryBudgets: RetryBudgets?
        var load: (@Sendable () -> ConcurrencyLimitSnapshot)?
        var spans: (@Sendable () -> SpanExporter.Statistics)?
        var lateCommands: [@Sendable () -> (refused: UInt64, begun: UInt64)] = []
    }

    package let registry: MetricsRegistry
    package let httpRequests: CounterFamily
    package let httpRequestDuration: HistogramFamily
    package let dependencyHealth: GaugeFamily
    package let loadShed: CounterFamily
    package let fallbacks: CounterFamily
    /// Calls to other services, retries included; `result` is a ``CallResult``.
    package let callDuration: HistogramFamily
    /// Attempts after the first.
    package let retryAttempts: CounterFamily
    /// Faults injected on purpose, by the name of their rule.
    package let faultsInjected: CounterFamily
    /// Attempts that were not made because the dependency's retry budget was used up.
    package let retriesSuppressed: CounterFamily
    /// Copies of slow calls; `event` is `started`, `won` or `suppressed`.
    package let hedges: CounterFamily
    /// Requests not begun because their deadline had passed.
    package let expiredRequests: CounterFamily
    /// Rows removed because they had been kept long enough, by table.
    package let rowsPruned: CounterFamily
    let readers = Mutex(Readers())

    package init(service: String, registry: MetricsRegistry) {
        self.registry = registry
        httpRequests = registry.counter(
            "http_requests_total", help: "Requests answered.", labels: ["method", "route", "status"],
            constants: ["service": service])
        httpRequestDuration = registry.histogram(
            "http_request_duration_seconds", help: "Time from the end of a request's head to its answer.",
            labels: ["method", "route", "status"], constants: ["service": service])
        dependencyHealth = registry.gauge(
            "dependency_health_status", help: "1 when the dependency answered last time, 0 when not.",
            labels: ["dependency"], constants: ["service": service])
        loadShed = registry.counter(
            "load_shed_total", help: "Requests refused to protect the service.", labels: ["reason"],
            constants: ["service": service])
        fallbacks = registry.counter(
            "fallbacks_total", help: "Answers given from a fallback.", labels: ["operation"],
            constants: ["service": service])
        callDuration = registry.histogram(
            "service_call_duration_seconds", help: "Time of a call to another service, retries included.",
            labels: ["operation", "result"], constants: ["service": service])
        retryAttempts = registry.counter(
            "retry_attempts_total", help: "Attempts after the first.", labels: ["operation", "attempt"],
            constants: ["service": service])
        faultsInjected = registry.counter(
            "faults_injected_total", help: "Faults injected on purpose, by rule.", labels: ["rule"],
            constants: ["service": service])
        retriesSuppressed = registry.counter(
            "retries_suppressed_total", help: "Attempts not made because the retry budget was used up.",
            labels: ["operation"], constants: ["service": service])
        hedges = registry.counter(
            "hedges_total", help: "Copies of slow calls: started, won by the copy, or suppressed by the budget.",
            labels: ["operation", "event"], constants: ["service": service])
        expiredRequests = registry.counter(
            "http_requests_expired_total", help: "Requests not begun because their deadline had passed.",
            labels: ["route"], constants: ["service": service])
        rowsPruned = registry.counter(
            "rows_pruned_total", help: "Rows removed because they had been kept long enough.", labels: ["table"],
            constants: ["service": service])
        declareObserved(service)
        declareProtection(service)
        declareBulkheads(service)
        declareBreakers(service)
        declareParking(service)
        declareTracing(service)
    }

    private func declareBreakers(_ service: String) {
        registry.observedGauge(
            "circuit_breaker_state", help: "0 closed, 1 open, 2 half-open.", labels: ["circuit_breaker"],
            constants: ["service": service]
        ) { [self] in Self.stateSamples(readers.withLock(\.breakers).flatMap { $0() }) }
        registry.observedCounter(
            "circuit_breaker_requests_total", help: "Calls by the state they met and what came of them.",
            labels: ["circuit_breaker", "state", "result"], constants: ["service": service]
        ) { [self] in Self.requestSamples(readers.withLock(\.breakers).flatMap { $0() }) }
    }

    private func declareObserved(_ service: String) {
        registry.observedGauge(
            "db_pool_connections", help: "Database connections by state.", labels: ["state"],
            constants: ["service": service]
        ) { [self] in
            let numbers = readers.withLock(\.pool)?() ?? PoolNumbers(idle: 0, busy: 0, connecting: 0, maximum: 0)
            return [
                MetricSample(["idle"], numbers.idle), MetricSample(["busy"], numbers.busy),
                MetricSample(["connecting"], numbers.connecting),
            ]
        }
        registry.observedGauge(
            "db_pool_connections_max", help: "Database connections at most.", constants: ["service": service]
        ) { [self] in [MetricSample([], readers.withLock(\.pool)?().maximum ?? 0)] }
        registry.observedGauge(
            "outbox_pending", help: "Messages committed and not yet published.", constants: ["service": service]
        ) { [self] in [MetricSample([], readers.withLock(\.outboxPending)?() ?? 0)] }
        registry.observedGauge(
            "outbox_oldest_seconds", help: "Age of the oldest message not yet published.",
            constants: ["service": service]
        ) { [self] in [MetricSample([], readers.withLock(\.outboxOldest)?().inSeconds ?? 0)] }
        registry.observedGauge(
            "consumer_lag", help: "Messages behind the end of an assigned partition.", labels: ["topic", "partition"],
            constants: ["service": service]
        ) { [self] in
            readers.withLock(\.consumerLag).flatMap { $0() }.map {
                MetricSample([$0.topic, String($0.partition)], $0.lag)
            }
        }
        registry.observedGauge(
            "dead_letters", help: "Messages given up that wait for an operator.", labels: ["topic"],
            constants: ["service": service]
        ) { [self] in (readers.withLock(\.deadLetters)?() ?? []).map { MetricSample([$0.topic], $0.count) } }
    }
}

extension StandardMetrics {
    /// Connects the database pool.
    package func observePool(_ read: @escaping @Sendable () -> PoolNumbers) {
        readers.withLock { $0.pool = read }
    }

    /// Connects the outbox: how much waits, and how long the oldest of it.
    package func observeOutbox(pending: @escaping @Sendable () -> Int, oldest: @escaping @Sendable () -> Duration) {
        readers.withLock { readers in
            readers.outboxPending = pending
            readers.outboxOldest = oldest
        }
    }

    /// Connects a consumer; several may be connected.
    package func observeConsumerLag(
        _ read: @escaping @Sendable () -> [(topic: String, partition: Int, lag: Int)]
    ) {
        readers.withLock { $0.consumerLag.append(read) }
    }

    /// Connects the dead letters.
    package func observeDeadLetters(_ read: @escaping @Sendable () -> [(topic: String, count: Int)]) {
        readers.withLock { $0.deadLetters = read }
    }

    /// Connects circuit breakers by their snapshots.
    func addBreakers(_ read: @escaping @Sendable () -> [CircuitBreakerSnapshot]) {
        readers.withLock { $0.breakers.append(read) }
    }

    /// Records whether a dependency answered.
    package func setDependency(_ name: String, isHealthy: Bool) {
        dependencyHealth.labelled(name).set(isHealthy ? 1 : 0)
    }
}
