import Clocks

/// How often and how soon a failed call is made again.
public struct RetryPolicy: Hashable, Sendable {
    /// Attempts altogether, the first included.
    public var maximumAttempts = 3

    /// How the delays grow.
    public var backoff = Backoff.exponential(base: .milliseconds(50), factor: 2, cap: .seconds(2), jitter: 0.5)

    /// No attempt begins later than this after the first began; nil for no limit of its own.
    public var totalTime: Duration?

    /// A server that asks to be left alone for longer than this is not asked again.
    public var maximumRetryAfter = Duration.seconds(30)

    /// The defaults of all members.
    public init() {}

    /// What is wrong with the numbers, as sentences; empty when nothing is.
    public var faults: [String] {
        var faults = backoff.faults
        if maximumAttempts < 1 { faults.append("the maximum of attempts must be at least 1") }
        if let totalTime, totalTime <= .zero { faults.append("the total time must be positive") }
        if maximumRetryAfter < .zero { faults.append("the longest Retry-After must not be negative") }
        return faults
    }
}

/// What the result of an attempt asks for.
public enum RetryVerdict: Hashable, Sendable {
    /// It is good, or final: another attempt would not help or is not safe.
    case accept

    /// Another attempt may help; not before this time when the server has named one.
    case retry(after: Duration? = nil)

    /// The usual reading: a thrown error is worth another attempt, except cancellation and refusals of policies.
    /// Use it only for operations that are safe to repeat.
    @inlinable
    public static func standard<Value, Failure: Error>(_ result: Result<Value, Failure>) -> RetryVerdict {
        CallOutcome.standard(result) == .failure ? .retry() : .accept
    }
}

/// Why no further attempt is made.
public enum RetryStop: String, Hashable, Sendable, CaseIterable {
    /// All attempts are used.
    case attemptsUsed

    /// The next attempt would begin after the total time.
    case totalTimeUsed

    /// The next attempt would begin at or after the caller's deadline.
    case deadlineTooNear

    /// The server wants to be left alone for longer than the policy waits.
    case retryAfterTooLong

    /// The caller gave up while waiting.
    case cancelled
}

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
}
