import Clocks
import Contracts
import SagaRuntime
import Telemetry

/// What order-service counts: orders by what became of them, and how long their sagas took.
struct OrderMetrics: Sendable {
    private let orders: CounterFamily
    private let sagaDuration: HistogramFamily
    private let followUps: CounterFamily

    init(registry: MetricsRegistry) {
        orders = registry.counter(
            "orders_total", help: "Orders that reached a status, once each, after the commit.",
            labels: ["status", "reason"])
        sagaDuration = registry.histogram(
            "saga_duration_seconds", help: "Time from an order's acceptance to the end of its saga.",
            labels: ["outcome"])
        followUps = registry.counter(
            "order_follow_ups_total",
            help: "Confirmations that were said again because the order's goods had not arrived.", labels: [])
        followUps.labelled().increment(by: 0)
    }

    /// Confirmations were said again; call after the commit.
    func saidAgain(_ count: Int) {
        followUps.labelled().increment(by: count)
    }

    /// An order reached this status; call once, after the commit.
    func orderReached(_ status: Order.Status, _ reason: Reason?) {
        orders.labelled(status.rawValue, reason?.rawValue ?? "").increment()
    }

    /// A saga ended; call once, after the commit.
    func sagaEnded(_ saga: EndedSaga, at end: Timestamp) {
        let outcome: String
        switch saga.outcome {
        case .completed: outcome = "completed"
        case .compensated: outcome = "compensated"
        }
        sagaDuration.labelled(outcome).observe(saga.startedAt.duration(to: end).inSeconds)
    }
}
