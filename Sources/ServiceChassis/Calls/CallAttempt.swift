import Clocks
import HTTPClient
import HTTPCodec
import Resilience

/// What one attempt of a call came to, and what follows from it.
struct CallAttempt: Sendable {
    let outcome: Result<HTTPClientResponse, HTTPClientError>

    init(_ outcome: Result<HTTPClientResponse, HTTPClientError>) {
        self.outcome = outcome
    }

    /// Whether there is an answer to hand to the caller.
    var isAnswer: Bool {
        guard case .success(let response) = outcome else { return false }
        return response.status.code < 500 && response.status.code != 429
    }

    /// Whether the service may have done what was asked: by the contract, a 429 and most 503 say that nothing was done.
    func mayHaveHadEffect(_ request: ServiceRequest) -> Bool {
        guard !request.isSafe else { return false }
        switch outcome {
        case .success(let response):
            switch response.status.code {
            case 429: return false
            case 503: return response.saysOutcomeUnknown
            default: return true
            }
        case .failure(let error):
            return error.sent == .unknown
        }
    }

    /// What the attempt says about the service's health.
    var health: CallOutcome {
        switch outcome {
        case .success(let response): return response.status.code < 500 ? .success : .failure
        case .failure(let error):
            switch error.code {
            // Our own doing: the request was wrong, given up, or never left.
            case .invalidRequest, .cancelled, .shutDown, .queueFull: return .neutral
            default: return .failure
            }
        }
    }

    /// What happened, for logs.
    var detail: String {
        switch outcome {
        case .success(let response): "answered \(response.status)"
        case .failure(let error): error.description
        }
    }

    private var retryAfter: Duration? {
        guard case .success(let response) = outcome, let text = response.fields["Retry-After"] else { return nil }
        return SecondsText.read(text)
    }

    private var mayHelpToRepeat: Bool {
        switch outcome {
        case .success: !isAnswer
        case .failure(let error): error.isRetriable && !error.isCancellation
        }
    }

    fileprivate func verdict(_ request: ServiceRequest) -> RetryVerdict {
        let isHarmless = request.isRepeatable || !mayHaveHadEffect(request)
        return mayHelpToRepeat && isHarmless ? .retry(after: retryAfter) : .accept
    }
}

extension Result where Success == CallAttempt, Failure == Never {
    /// Whether another attempt may help and cannot do harm.
    func verdict(_ request: ServiceRequest) -> RetryVerdict {
        get().verdict(request)
    }
}

extension HTTPClientResponse {
    /// Whether a 503 is of the one type that leaves open what was done.
    fileprivate var saysOutcomeUnknown: Bool {
        let urn = Array(ProblemType.outcomeUnknown.urn.utf8)
        guard body.count >= urn.count else { return false }
        return (0...body.count - urn.count).contains { body[$0..<$0 + urn.count].elementsEqual(urn) }
    }
}
