import Clocks
import Resilience

/// Remembers what policies report.
final class EventLog: Sendable {
    private let stored = Lock<[ResilienceEvent]>([])

    var events: [ResilienceEvent] { stored.withLock { $0 } }

    var observer: ResilienceObserver {
        { event in self.stored.withLock { $0.append(event) } }
    }
}

struct ProviderDown: Error, Equatable {}
