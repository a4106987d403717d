import Clocks
import Resilience

/// Whether it makes sense to begin calls to a dependency now.
package enum CallAdmission: Sendable, Hashable {
    /// As many as the caller likes.
    case open
    /// A few, to find out whether it works again.
    case probing(Int)
    /// None before this moment.
    case refusing(until: MonotonicInstant)
}

extension ServiceCaller {
    /// Whether the breaker would let calls pass; durable work is not taken up in vain while it would not.
    package var admission: CallAdmission {
        switch breaker.state {
        case .closed, .disabled, .metricsOnly: .open
        case .open, .halfOpen, .forcedOpen: breaker.openUntil.map { .refusing(until: $0) } ?? .probing(1)
        }
    }
}

extension Rejection {
    /// When the one who refused may let a call pass, where that is known.
    var retryAfter: Duration? {
        switch self {
        case .circuitOpen(_, _, let retryAfter): retryAfter
        case .rateLimited(_, let retryAfter): retryAfter
        default: nil
        }
    }
}
