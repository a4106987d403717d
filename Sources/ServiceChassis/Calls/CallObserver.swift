import Resilience
import Telemetry

/// Tells metrics and log what the policies around calls do.
struct CallObserver: Sendable {
    private let metrics: StandardMetrics
    private let logger: Logger

    init(_ metrics: StandardMetrics, _ logger: Logger) {
        self.metrics = metrics
        self.logger = logger
    }

    var observe: ResilienceObserver {
        { event in self.take(event) }
    }

    private func take(_ event: ResilienceEvent) {
        switch event {
        case .retryScheduled(let operation, let attempt, _):
            metrics.retryAttempts.labelled(operation, String(attempt)).increment()
        case .retryStopped(let operation, _, .budgetEmpty):
            metrics.retriesSuppressed.labelled(operation).increment()
        case .hedgeStarted(let operation, _, _):
            metrics.hedges.labelled(operation, "started").increment()
        case .hedgeWon(let operation, let attempt):
            if attempt > 1 { metrics.hedges.labelled(operation, "won").increment() }
        case .hedgeSuppressed(let operation):
            metrics.hedges.labelled(operation, "suppressed").increment()
        case .endpointEjected(_, let endpoint, let reason, let time):
            logger.warning(
                "an endpoint is left out",
                ["endpoint": .text(endpoint), "reason": .text(reason), "time": .duration(time)])
        case .endpointReturned(_, let endpoint):
            logger.info("an endpoint is called again", ["endpoint": .text(endpoint)])
        case .rejected(let rejection):
            logger.debug("a call is refused", ["detail": .text(rejection.description)])
        default:
            break
        }
    }
}
