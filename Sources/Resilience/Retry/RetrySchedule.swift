import Clocks

/// The decisions of one retried call, without clock or randomness of its own.
public struct RetrySchedule: Sendable {
    /// What follows a failed attempt.
    public enum Decision: Hashable, Sendable {
        /// The next attempt, after this delay.
        case retry(after: Duration)

        /// None.
        case stop(RetryStop)
    }

    private let policy: RetryPolicy
    private let deadline: MonotonicInstant
    private let lastStart: MonotonicInstant
    private var previousDelay: Duration?

    /// The number of the attempt under way, from 1.
    public private(set) var attempt = 1

    /// Begins with the first attempt.
    public init(_ policy: RetryPolicy, startedAt: MonotonicInstant, deadline: MonotonicInstant? = nil) {
        self.policy = policy
        self.deadline = deadline ?? .distantFuture
        lastStart = policy.totalTime.map { startedAt.advanced(by: $0) } ?? .distantFuture
    }

    /// Decides after the attempt under way has failed.
    ///
    /// A named time is kept: randomness comes on top of it, a tenth at most.
    public mutating func next(
        retryAfter: Duration? = nil, now: MonotonicInstant, random: any RandomSource
    ) -> Decision {
        guard attempt < policy.maximumAttempts else { return .stop(.attemptsUsed) }
        let ownDelay = policy.backoff.delay(attempt, after: previousDelay, random: random)
        var delay = ownDelay
        if let retryAfter {
            guard retryAfter <= policy.maximumRetryAfter else { return .stop(.retryAfterTooLong) }
            delay = max(ownDelay, retryAfter + random.nextDuration(upTo: retryAfter / 10))
        }
        let start = now.advanced(by: delay)
        guard start < deadline else { return .stop(.deadlineTooNear) }
        guard start <= lastStart else { return .stop(.totalTimeUsed) }
        previousDelay = ownDelay
        attempt += 1
        return .retry(after: delay)
    }

    /// Whether the attempt that was decided on may begin, now that its delay is over: sleeping may have taken longer.
    public func mayBegin(now: MonotonicInstant) -> Bool {
        now < deadline
    }
}
