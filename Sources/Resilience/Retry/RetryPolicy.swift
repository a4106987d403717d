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
    /// It is good. It earns a share of a further call for the retry budget.
    case accept

    /// It is bad, and final: another attempt would not help or is not safe.
    case giveUp

    /// Another attempt may help; not before this time when the server has named one.
    case retry(after: Duration? = nil)

    /// The usual reading: a thrown error is worth another attempt, except cancellation and refusals of policies.
    /// Use it only for operations that are safe to repeat.
    @inlinable
    public static func standard<Value, Failure: Error>(_ result: Result<Value, Failure>) -> RetryVerdict {
        switch CallOutcome.standard(result) {
        case .success: .accept
        case .failure: .retry()
        case .neutral: .giveUp
        }
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

    /// The dependency's retry budget is used up.
    case budgetEmpty
}
