import Clocks
import HTTPCodec
import Resilience
import Synchronization

/// Bounds how many requests of a port are worked on at a time, by a limit that follows their latency, and refuses the rest at
/// once, the less important first.
///
/// A refused request has had no effect, and costs nothing but its head. Requests that only wait (`Prefer: wait`, event
/// streams) do not count while they do.
package final class LoadLimit: Sendable {
    private let limit: ConcurrencyLimit
    private let slow: Duration
    private let time: any TimeSource

    /// Creates the limit of a port; nil when the settings want none.
    package init?(_ settings: LoadSettings, time: any TimeSource) {
        guard let maximum = settings.maximum else { return nil }
        limit = ConcurrencyLimit(name: "api", configuration: settings.configuration(maximum: maximum), time: time)
        slow = settings.latency
        self.time = time
    }

    package var snapshot: ConcurrencyLimitSnapshot { limit.snapshot }

    /// Takes a request in.
    ///
    /// - Throws: 503 `overloaded` when as many are under way as its priority may have.
    func admit(_ priority: CallPriority) throws(ProblemDetails) -> RequestLoad {
        switch limit.admit(priority) {
        case .permitted(let permit): return RequestLoad(permit, slow: slow, time: time)
        case .rejected:
            throw ProblemDetails(.overloaded, detail: "As many requests are under way as can be served well.")
        }
    }
}

/// One request's part in the load of its port: from its admission until it is answered or begins to wait.
package final class RequestLoad: Sendable {
    private let permit: Mutex<ConcurrencyPermit?>
    private let began: MonotonicInstant
    private let slow: Duration
    private let time: any TimeSource

    init(_ permit: consuming ConcurrencyPermit, slow: Duration, time: any TimeSource) {
        self.permit = Mutex(permit)
        began = time.now
        self.slow = slow
        self.time = time
    }

    /// The work is done, or what remains of it is to wait.
    func end(_ outcome: LimitedCallOutcome) {
        guard let permit = permit.withLock({ $0.take() }) else { return }
        permit.finish(outcome)
    }

    /// The request is answered with this status.
    func end(_ status: HTTPStatus) {
        switch status.code {
        case ..<500: end(.success)
        // Out of time after long: lost to load. Soon: whoever asked was in a hurry.
        case 504 where began.duration(to: time.now) >= slow: end(.dropped)
        // A dependency's trouble, or our fault: neither is quick or slow because of load.
        default: end(.neutral)
        }
    }
}

extension RequestContext {
    /// From here on the request waits for what others do: it no longer counts as load, and the time until its answer says
    /// nothing about it.
    package func waitsFromHere() {
        load?.end(.success)
    }
}
