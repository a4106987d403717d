import Clocks
import HTTPClient
import HTTPCodec
import Resilience

/// What one attempt of a call came to, and what follows from it.
struct CallAttempt: Sendable {
    let outcome: Result<HTTPClientResponse, HTTPClientError>
    /// Whether the caller left so little time that running out of it says nothing about the service.
    let wasHurried: Bool

    init(_ outcome: Result<HTTPClientResponse, HTTPClientError>, wasHurried: Bool = false) {
        self.outcome = outcome
        self.wasHurried = wasHurried
    }

    /// Whether there is an answer to hand to the caller.
    var isAnswer: Bool {
        guard case .success(let response) = outcome else { return false }
        return response.status.code < 500 && response.status.code != 429
    }

    /// Whether the service may have done what was asked.
    ///
    /// A 429 says that nothing was done. By our contract a 503 says so too unless its type is `outcome-unknown`; a
    /// service that is not bound to the contract is believed only when it names one of the types that say so.
    func mayHaveHadEffect(_ request: ServiceRequest, trustsContract: Bool) -> Bool {
        guard !request.isSafe else { return false }
        switch outcome {
        case .success(let response):
            switch response.status.code {
            case 429: return false
            case 503 where trustsContract: return response.names(.outcomeUnknown)
            case 503: return !response.names(.overloaded) && !response.names(.dependencyUnavailable)
            default: return true
            }
        case .failure(let error):
            return error.sent == .unknown
        }
    }

    /// What the attempt says about the service's health.
    ///
    /// A caller without patience is no proof against it: else whoever sends us requests with next to no time could have
    /// the service cut off for everybody.
    var health: CallOutcome {
        switch outcome {
        case .success(let response):
            guard response.status.code >= 500 else { return .success }
            return wasHurried && response.status == .gatewayTimeout ? .neutral : .failure
        case .failure(let error):
            switch error.code {
            // Our own doing: the request was wrong, given up, or never left.
            case .invalidRequest, .cancelled, .shutDown, .queueFull: return .neutral
            case .deadlineExceeded: return wasHurried || error.phase == .queued ? .neutral : .failure
            default: return .failure
            }
        }
    }

    /// Whether the service does not know this one, or does not let it do that: settings that do not fit together.
    var isRefusalOfIdentity: Bool {
        guard case .success(let response) = outcome else { return false }
        return response.status == .unauthorized || response.status == .forbidden
    }

    /// What happened, for logs.
    var detail: String {
        switch outcome {
        case .success(let response): "answered \(response.status)"
        case .failure(let error): error.description
        }
    }

    /// How long the service wants to be left alone, by the header in either of its forms.
    func retryAfter(now: Timestamp) -> Duration? {
        guard case .success(let response) = outcome, let text = response.fields[RetryAfter.header] else { return nil }
        return RetryAfter.delay(text, now: now)
    }

    private var mayHelpToRepeat: Bool {
        switch outcome {
        case .success: !isAnswer
        case .failure(let error): error.isRetriable && !error.isCancellation
        }
    }

    /// What the policies are told.
    func report(_ request: ServiceRequest, trustsContract: Bool, now: Timestamp) -> CallReport {
        CallReport(
            health, retry: mayHelpToRepeat ? .retry(after: retryAfter(now: now)) : isAnswer ? .accept : .giveUp,
            hadNoEffect: !mayHaveHadEffect(request, trustsContract: trustsContract))
    }
}

extension HTTPClientResponse {
    /// Whether the answer is a problem of this type.
    fileprivate func names(_ type: ProblemType) -> Bool {
        let urn = Array("\"\(type.urn)\"".utf8)
        guard body.count >= urn.count else { return false }
        return (0...body.count - urn.count).contains { body[$0..<$0 + urn.count].elementsEqual(urn) }
    }
}
