import HTTPCodec

/// Why a call to another service has no usable answer, and whether it may have had an effect.
package enum CallError: Error, Sendable, Hashable {
    /// Nothing was done: nothing was received, or the service said that it did nothing. `retryAfter` is when it wants to
    /// be asked again.
    case unavailable(operation: String, detail: String, retryAfter: Duration? = nil)
    /// Nothing was sent: our own circuit breaker is open, and takes probes after `retryAfter`, or too many calls are under
    /// way already.
    case refused(operation: String, detail: String, retryAfter: Duration?)
    /// The request may have been carried out.
    case outcomeUnknown(operation: String, detail: String)
    /// The time was over before there was an answer.
    case deadlineExceeded(operation: String, mayHaveBeenSent: Bool)
    /// The caller's task was cancelled.
    case cancelled(operation: String)

    /// Whether the request certainly had no effect.
    package var hadNoEffect: Bool {
        switch self {
        case .unavailable, .refused: true
        case .deadlineExceeded(_, let mayHaveBeenSent): !mayHaveBeenSent
        case .outcomeUnknown, .cancelled: false
        }
    }
}

extension CallError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unavailable(let operation, let detail, _), .refused(let operation, let detail, _):
            "\(operation) is not available: \(detail)"
        case .outcomeUnknown(let operation, let detail):
            "it is not known whether \(operation) was carried out: \(detail)"
        case .deadlineExceeded(let operation, _): "\(operation) was not answered in time"
        case .cancelled(let operation): "\(operation) was abandoned by its caller"
        }
    }
}

extension CallError: ProblemConvertible {
    /// Those who ask us are not sent away for longer, whatever a service that we ask has said.
    package static let longestRetryAfter = Duration.seconds(60)

    /// What the one who asked us is told; names of hosts stay inside.
    package var problem: ProblemDetails {
        switch self {
        case .unavailable(let operation, _, let retryAfter), .refused(let operation, _, let retryAfter):
            ProblemDetails(
                .dependencyUnavailable, detail: "\(operation) is not available.",
                retryAfter: retryAfter.map { min($0, Self.longestRetryAfter) })
        case .outcomeUnknown(let operation, _):
            ProblemDetails(.outcomeUnknown, detail: "It is not known whether \(operation) was carried out.")
        case .deadlineExceeded(let operation, _):
            ProblemDetails(.deadlineExceeded, detail: "\(operation) was not answered in time.")
        case .cancelled:
            ProblemDetails(.outcomeUnknown, detail: "The request was abandoned.")
        }
    }
}
