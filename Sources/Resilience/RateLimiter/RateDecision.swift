import Clocks

/// A rate limiter's answer.
public enum RateDecision: Hashable, Sendable {
    /// The permits are taken.
    case allowed(RateQuota)

    /// There are too few permits, and none was taken. After `retryAfter` there are enough, if nobody else takes them.
    case rejected(RateQuota, retryAfter: Duration)

    /// Whether the permits are taken.
    @inlinable
    public var isAllowed: Bool {
        if case .allowed = self { true } else { false }
    }

    /// What is left of the bucket after the decision.
    @inlinable
    public var quota: RateQuota {
        switch self {
        case .allowed(let quota): quota
        case .rejected(let quota, _): quota
        }
    }

    /// For a `Retry-After` field, in whole seconds rounded up, at least 1; nil when allowed. Never before the quota's
    /// ``RateQuota/resetSeconds``, as the draft of the `RateLimit` fields wants.
    public var retryAfterSeconds: Int64? {
        guard case .rejected(_, let retryAfter) = self else { return nil }
        return max(1, retryAfter.wholeSecondsRoundedUp)
    }
}

/// What is left of a bucket at the moment of a decision. Its figures are worked out when asked for.
public struct RateQuota: Hashable, Sendable {
    private let rate: CellRate
    private let backlog: Int64

    init(_ rate: CellRate, backlog: Int64) {
        self.rate = rate
        self.backlog = backlog
    }

    /// Permits that can be taken now: the `r` of a `RateLimit` field.
    public var remaining: Int { Int(max(0, rate.capacity - backlog) / rate.ticksPerPermit) }

    /// The time until one more permit can be taken; zero when the bucket is full.
    public var nextPermitIn: Duration {
        guard backlog > 0 else { return .zero }
        let owed = backlog - (rate.capacity - rate.ticksPerPermit)
        return rate.duration(ofTicks: owed > 0 ? owed : (backlog - 1) % rate.ticksPerPermit + 1)
    }

    /// The time until the bucket is full.
    public var fullIn: Duration { rate.duration(ofTicks: backlog) }

    /// The `t` of a `RateLimit` field (draft-ietf-httpapi-ratelimit-headers-10): whole seconds, rounded up, until more
    /// quota is there; zero when all of it is.
    public var resetSeconds: Int64 { nextPermitIn.wholeSecondsRoundedUp }
}
