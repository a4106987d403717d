import Clocks

/// What happens to one request.
struct FaultDecision: Hashable, Sendable {
    enum Refusal: Hashable, Sendable {
        /// Never answered; closed after this time.
        case hang(Duration)
        case throttle(retryAfter: Int, FaultRules.RetryAfterForm)
        case reset
        case error(Int)
    }

    enum Mishap: Hashable, Sendable {
        case error(Int)
        case loseAnswer
        case truncate
    }

    /// The request is not carried out.
    var refusal: Refusal?
    var latencyBefore = Duration.zero
    var latencyAfter = Duration.zero
    /// It is carried out, and the answer does not arrive as it should.
    var mishap: Mishap?

    static let none = FaultDecision()
}

/// What happens to one webhook.
struct WebhookDecision: Hashable, Sendable {
    /// It is never sent.
    var isLost = false
    var delay = Duration.zero
    /// It is sent twice.
    var isDoubled = false

    static let none = WebhookDecision()
}

extension FaultRules {
    /// Draws what happens to a request: a fixed number of draws, so that one rate does not move the others' chances.
    func decide(_ random: some RandomSource) -> FaultDecision {
        let draws = (0..<8).map { _ in random.nextUnit() }
        let delay = (latency ?? .fixed(seconds: 0)).sample(random)
        let status = errorStatuses[Int(draws[7] * Double(errorStatuses.count))]
        var decision = FaultDecision()
        if draws[0] < hangRate {
            decision.refusal = .hang(.nanoseconds(Int64(hangSeconds * 1e9)))
        } else if draws[1] < throttleRate {
            decision.refusal = .throttle(retryAfter: retryAfter, retryAfterForm)
        } else if draws[2] < resetRate {
            decision.refusal = .reset
        } else if draws[3] < errorRate {
            decision.refusal = .error(status)
        } else if draws[4] < errorAfterRate {
            decision.mishap = .error(status)
        } else if draws[5] < loseAnswerRate {
            decision.mishap = .loseAnswer
        } else if draws[6] < truncateRate {
            decision.mishap = .truncate
        }
        // What is refused has no work that could be late: there the latency is the answer's in any case.
        if latencyPlace == .before, decision.refusal == nil {
            decision.latencyBefore = delay
        } else {
            decision.latencyAfter = delay
        }
        return decision
    }

    /// Draws what happens to a webhook.
    func decideWebhook(_ random: some RandomSource) -> WebhookDecision {
        let (loss, doubling) = (random.nextUnit(), random.nextUnit())
        let delay = (webhookDelay ?? .fixed(seconds: 0)).sample(random)
        return WebhookDecision(isLost: loss < loseWebhookRate, delay: delay, isDoubled: doubling < duplicateWebhookRate)
    }
}
