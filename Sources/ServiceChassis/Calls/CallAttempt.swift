import Clocks
import HTTPClient
import HTTPCodec

/// What one attempt of a call came to, and what follows from it.
struct CallAttempt: Sendable {
    enum Verdict: Hashable, Sendable {
        /// An answer to hand to the caller, whatever its status.
        case answered
        /// Nothing was done; the same may succeed at another moment.
        case hadNoEffect
        /// It may have been done.
        case outcomeUnknown
        /// No further attempt can help: the time is over, the caller is gone, or the request is wrong.
        case final
    }

    let outcome: Result<HTTPClientResponse, HTTPClientError>

    var verdict: Verdict {
        switch outcome {
        case .success(let response):
            switch response.status.code {
            case 503: response.saysOutcomeUnknown ? .outcomeUnknown : .hadNoEffect
            case 429: .hadNoEffect
            case 500, 502, 504: .outcomeUnknown
            default: .answered
            }
        case .failure(let error):
            if error.isCancellation || !error.isRetriable {
                .final
            } else {
                error.sent == .certainlyNotSent ? .hadNoEffect : .outcomeUnknown
            }
        }
    }

    /// What the server asked to be given before the next attempt; nil when it asked for nothing we can read.
    var retryAfter: Duration? {
        guard case .success(let response) = outcome, let text = response.fields["Retry-After"] else { return nil }
        return SecondsText.read(text)
    }

    /// Whether the attempt says that the dependency is ill, for its breaker; nil when it says nothing about it.
    var isHealthy: Bool? {
        switch outcome {
        case .success(let response): response.status.code < 500
        case .failure(let error):
            switch error.code {
            // Our own doing: the request was wrong, given up, or never left.
            case .invalidRequest, .cancelled, .shutDown, .queueFull: nil
            default: false
            }
        }
    }
}

extension HTTPClientResponse {
    /// Whether a 503 is of the one type that leaves open what was done.
    var saysOutcomeUnknown: Bool {
        let urn = Array(ProblemType.outcomeUnknown.urn.utf8)
        return body.count >= urn.count
            && body.indices.dropLast(urn.count - 1).contains { start in
                body[start..<start + urn.count].elementsEqual(urn)
            }
    }
}
