import Clocks
import HTTPCodec
import Synchronization
import Telemetry

/// Refuses orders while those taken before them wait too long for the first answer of their sagas: what is accepted follows
/// what can be finished.
///
/// The first step asks inventory-service, which asks nobody: its answer is late because of work that stands in a queue, in
/// this service, there, or between them, not because of a payment provider's or a carrier's day.
final class OrderAdmission: Sendable {
    /// Nil for no limit.
    private let rate: Mutex<AdmissionRate?>
    private let time: any TimeSource

    /// - Parameter target: how long orders may wait for that answer; nil for no limit.
    init(target: Duration?, time: any TimeSource, registry: MetricsRegistry) {
        self.time = time
        rate = Mutex(target.map { AdmissionRate(AdmissionRate.Configuration(target: $0), now: time.now) })
        registry.observedGauge(
            "order_admission_limit", help: "Orders a second that are taken at most; 0 without a limit."
        ) { [self] in [MetricSample([], rate.withLock { $0?.limit } ?? 0)] }
        registry.observedCounter(
            "orders_refused_total", help: "Orders refused because those taken before them wait too long."
        ) { [self] in [MetricSample([], Double(rate.withLock { $0?.refused } ?? 0))] }
    }

    /// Takes an order in.
    ///
    /// - Throws: 503 `overloaded` when it would only wait behind others.
    func admit() throws(ProblemDetails) {
        let now = time.now
        guard rate.withLock({ $0?.admits(now: now) ?? true }) else {
            throw ProblemDetails(.overloaded, detail: "The orders taken before this one wait too long already.")
        }
    }

    /// The first commands of sagas were answered after these times, at the first asking.
    func answered(after waits: [Duration]) {
        let now = time.now
        rate.withLock { rate in
            for wait in waits { rate?.answered(after: wait, now: now) }
        }
    }
}
