/// What a result says: about the health of what was called, and about another attempt.
@frozen
public struct CallReport: Hashable, Sendable {
    /// What the breaker, the limits and the balancer learn.
    public var outcome: CallOutcome

    /// Whether another attempt may help.
    public var retry: RetryVerdict

    /// Whether the attempt certainly changed nothing, so that even an unsafe call may be made again.
    public var hadNoEffect: Bool

    /// A report from its parts.
    public init(_ outcome: CallOutcome, retry: RetryVerdict = .accept, hadNoEffect: Bool = false) {
        self.outcome = outcome
        self.retry = retry
        self.hadNoEffect = hadNoEffect
    }

    /// It works, and there is nothing to repeat.
    public static let success = CallReport(.success)

    /// The usual reading: a thrown error is a failure worth another attempt, except cancellation and refusals of
    /// policies, which are final and earn nothing; nothing is known about its effect.
    @inlinable
    public static func standard<Value, Failure: Error>(_ result: Result<Value, Failure>) -> CallReport {
        CallReport(CallOutcome.standard(result), retry: RetryVerdict.standard(result))
    }
}
