import Messaging
import Resilience
import Telemetry

extension StandardMetrics {
    func declareProtection(_ service: String) {
        registry.observedGauge(
            "retry_budget_balance", help: "Further calls that can be paid for now.", labels: ["dependency"],
            constants: ["service": service]
        ) { [self] in
            (readers.withLock(\.retryBudgets)?.snapshot ?? []).map { MetricSample([$0.name], $0.balance) }
        }
        registry.observedGauge(
            "concurrency_limit", help: "API requests that may be worked on at a time; 0 without a limit.",
            constants: ["service": service]
        ) { [self] in [MetricSample([], readers.withLock(\.load)?().limit ?? 0)] }
        registry.observedGauge(
            "concurrency_in_flight", help: "API requests being worked on, those that only wait not counted.",
            constants: ["service": service]
        ) { [self] in [MetricSample([], readers.withLock(\.load)?().inFlight ?? 0)] }
        registry.observedCounter(
            "commands_expired_total",
            help: "Commands that came too late: refused, or begun because their sender's clock may have been set.",
            labels: ["result"], constants: ["service": service]
        ) { [self] in
            let late = readers.withLock(\.lateCommands).map { $0() }
            return [
                MetricSample(["refused"], Double(late.reduce(0) { $0 + $1.refused })),
                MetricSample(["begun"], Double(late.reduce(0) { $0 + $1.begun })),
            ]
        }
    }

    func declareBulkheads(_ service: String) {
        registry.observedGauge(
            "bulkhead_calls", help: "Calls under way and calls that wait for a place.", labels: ["bulkhead", "state"],
            constants: ["service": service]
        ) { [self] in
            bulkheads.flatMap { name, figures in
                [
                    MetricSample([name, "running"], figures.inUse), MetricSample([name, "waiting"], figures.waiting),
                ]
            }
        }
        registry.observedGauge(
            "bulkhead_limit", help: "Calls that may be under way.", labels: ["bulkhead"],
            constants: ["service": service]
        ) { [self] in bulkheads.map { MetricSample([$0.name], $0.figures.limit) } }
        registry.observedCounter(
            "bulkhead_rejections_total", help: "Calls that got no place.", labels: ["bulkhead"],
            constants: ["service": service]
        ) { [self] in bulkheads.map { MetricSample([$0.name], Double($0.figures.rejected)) } }
    }

    private var bulkheads: [(name: String, figures: Bulkhead.Snapshot)] {
        readers.withLock(\.bulkheads).map { $0() }
    }

    /// Connects a bulkhead under its name.
    func observeBulkhead(_ bulkhead: Bulkhead) {
        readers.withLock { $0.bulkheads.append { (bulkhead.name, bulkhead.snapshot) } }
    }

    /// Connects the limit of the API port.
    func observeLoad(_ read: @escaping @Sendable () -> ConcurrencyLimitSnapshot) {
        readers.withLock { $0.load = read }
    }

    /// Connects the retry budgets of the process.
    func observeRetryBudgets(_ budgets: RetryBudgets) {
        readers.withLock { $0.retryBudgets = budgets }
    }

    /// Connects what a processor does with commands that come too late; several may be connected.
    func observeLateCommands(_ processor: MessageProcessor) {
        readers.withLock { readers in
            readers.lateCommands.append {
                let statistics = processor.statistics
                return (statistics.expired, statistics.begunLate)
            }
        }
    }
}
