import Synchronization
import Telemetry

/// What the simulator counts beyond what every service counts.
struct SimulatorMetrics: Sendable {
    private let charges: CounterFamily
    private let bookings: CounterFamily
    private let webhooks: CounterFamily
    private let calls = CallCounts()
    private let service: String
    private let registry: MetricsRegistry

    enum WebhookResult: String, CaseIterable, Sendable {
        /// The other side said that it has it.
        case delivered
        /// An attempt that will be made again.
        case failed
        /// Given up, or lost on purpose.
        case abandoned
        /// Sent once more on purpose.
        case duplicate
    }

    init(service: String, registry: MetricsRegistry) {
        self.service = service
        self.registry = registry
        charges = registry.counter(
            "charges_total", help: "Charges that reached a status.", labels: ["status"],
            constants: ["service": service])
        bookings = registry.counter(
            "bookings_total", help: "Bookings that reached a status.", labels: ["status"],
            constants: ["service": service])
        webhooks = registry.counter(
            "webhooks_total", help: "Attempts to tell an event, by what came of them.", labels: ["result"],
            constants: ["service": service])
        for status in Charge.Status.allCases { _ = charges.labelled(status.rawValue) }
        for status in Booking.Status.allCases { _ = bookings.labelled(status.rawValue) }
        for result in WebhookResult.allCases { _ = webhooks.labelled(result.rawValue) }
    }

    /// Shows the ledger's size; once.
    func observe(_ keeper: LedgerKeeper) {
        registry.observedGauge(
            "provider_ledger_entries", help: "Charges, refunds and bookings that are remembered.",
            constants: ["service": service]
        ) { [MetricSample([], keeper.numbers.entries)] }
        registry.observedGauge(
            "webhooks_pending", help: "Events that still have to be told.", constants: ["service": service]
        ) { [MetricSample([], keeper.numbers.events)] }
    }

    func count(_ transition: Ledger.Transition) {
        switch transition {
        case .charge(let status): charges.labelled(status.rawValue).increment()
        case .booking(let status): bookings.labelled(status.rawValue).increment()
        }
    }

    func count(_ result: WebhookResult) { webhooks.labelled(result.rawValue).increment() }

    /// A call of a route such as `POST /v1/charges`.
    func countCall(_ route: String) { calls.add(route) }

    /// Calls by route since the process started.
    var callsByRoute: [(route: String, count: Int)] { calls.sorted }
}

/// Counts by name; the names are routes, of which there are a few.
private final class CallCounts: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func add(_ route: String) { counts.withLock { $0[route, default: 0] += 1 } }

    var sorted: [(route: String, count: Int)] {
        counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
