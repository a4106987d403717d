import Clocks
import HTTPClient
import Resilience

/// What the last attempt means to the one who asked, given what it or an earlier one may have done.
struct CallConclusion {
    let operation: String
    let deadline: MonotonicInstant
    let mayHaveHadEffect: Bool
    let now: MonotonicInstant
    let wallNow: Timestamp

    func conclude(
        _ outcome: Guarded<CallAttempt, any Error>
    ) -> (Result<HTTPClientResponse, CallError>, CallResult) {
        switch outcome {
        case .success(let attempt): conclude(attempt)
        case .rejected(let rejection): conclude(rejection)
        case .failure: (.failure(.cancelled(operation: operation)), .cancelled)
        }
    }

    private func conclude(_ attempt: CallAttempt) -> (Result<HTTPClientResponse, CallError>, CallResult) {
        switch attempt.outcome {
        case .success(let response) where attempt.isAnswer:
            return (.success(response), .success)
        case .failure(let error) where error.isCancellation:
            return (.failure(.cancelled(operation: operation)), .cancelled)
        case .failure(let error) where error.isTimeout && now >= deadline:
            return (.failure(deadlineExceeded), .timeout)
        case .success, .failure:
            let error: CallError =
                mayHaveHadEffect
                ? .outcomeUnknown(operation: operation, detail: attempt.detail)
                : .unavailable(
                    operation: operation, detail: attempt.detail, retryAfter: attempt.retryAfter(now: wallNow))
            return (.failure(error), .failure)
        }
    }

    private func conclude(_ rejection: Rejection) -> (Result<HTTPClientResponse, CallError>, CallResult) {
        switch rejection {
        case .cancelled:
            return (.failure(.cancelled(operation: operation)), .cancelled)
        case .deadlineExceeded:
            return (.failure(deadlineExceeded), .timeout)
        case .timedOut where now >= deadline:
            return (.failure(deadlineExceeded), .timeout)
        case _ where mayHaveHadEffect:
            return (.failure(.outcomeUnknown(operation: operation, detail: rejection.description)), .failure)
        case .timedOut:
            return (.failure(.unavailable(operation: operation, detail: rejection.description)), .failure)
        default:
            let error = CallError.refused(
                operation: operation, detail: rejection.description, retryAfter: rejection.retryAfter)
            return (.failure(error), .rejected)
        }
    }

    private var deadlineExceeded: CallError {
        .deadlineExceeded(operation: operation, mayHaveBeenSent: mayHaveHadEffect)
    }
}
