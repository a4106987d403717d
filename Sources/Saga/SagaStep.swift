/// One step of a saga: what is done, by whom, and what undoes it.
public struct SagaStep: Sendable, Hashable {
    /// Where the step stands to the point of no return.
    public enum Kind: Sendable, Hashable {
        /// Can be undone.
        case compensatable
        /// The point of no return: once done, the saga only goes forward.
        case pivot
        /// Cannot fail for good: it is tried until it is done.
        case retriable
    }

    /// What undoes a step.
    public struct Compensation: Sendable, Hashable {
        /// Names the command.
        public var name: String
        /// How long and how often it is tried.
        public var policy: StepPolicy

        /// Describes what undoes a step.
        public init(name: String, policy: StepPolicy) {
            self.name = name
            self.policy = policy
        }
    }

    /// Names the command, in the journal and in replies.
    public let name: String
    /// Where the step stands to the point of no return.
    public let kind: Kind
    /// Done by the engine itself, in its own transaction, instead of by a command and its reply.
    public let isLocal: Bool
    /// How long and how often a reply is waited for.
    public let policy: StepPolicy
    /// What undoes it; only compensatable steps have one.
    public let compensation: Compensation?

    /// A step that another can undo.
    public static func compensatable(
        _ name: String, undoneBy compensation: String, policy: StepPolicy = .standard,
        compensationPolicy: StepPolicy = .compensation
    ) -> SagaStep {
        SagaStep(
            name: name, kind: .compensatable, isLocal: false, policy: policy,
            compensation: Compensation(name: compensation, policy: compensationPolicy))
    }

    /// The point of no return, done by the engine in its own transaction.
    public static func pivot(_ name: String) -> SagaStep {
        SagaStep(name: name, kind: .pivot, isLocal: true, policy: .untilDone, compensation: nil)
    }

    /// A step behind the point of no return, tried until it is done.
    public static func retriable(_ name: String, policy: StepPolicy = .untilDone) -> SagaStep {
        SagaStep(name: name, kind: .retriable, isLocal: false, policy: policy.withoutEnd, compensation: nil)
    }
}

/// How long a reply is waited for before the command is sent again, and when it is given up.
public struct StepPolicy: Sendable, Hashable {
    /// How long the first reply is waited for.
    public var firstWait: Duration
    /// What each further wait is multiplied with.
    public var factor: Double
    /// No wait is longer than this.
    public var maximumWait: Duration
    /// The command is given up after so many sends; nil for never.
    public var maximumAttempts: Int?
    /// The command is given up this long after its first send; nil for never.
    public var patience: Duration?

    /// Describes how long and how often a command is sent.
    public init(
        firstWait: Duration, factor: Double = 1.5, maximumWait: Duration, maximumAttempts: Int? = nil,
        patience: Duration? = nil
    ) {
        precondition(firstWait > .zero && factor >= 1 && maximumWait >= firstWait, "waits grow from above zero")
        self.firstWait = firstWait
        self.factor = factor
        self.maximumWait = maximumWait
        self.maximumAttempts = maximumAttempts
        self.patience = patience
    }

    /// Sent again after 5 s, then at most every 10 s, given up after 2 minutes.
    public static let standard = StepPolicy(
        firstWait: .seconds(5), maximumWait: .seconds(10), patience: .seconds(120))
    /// As ``standard``, but for 10 minutes: what was begun should be undone.
    public static let compensation = StepPolicy(
        firstWait: .seconds(5), maximumWait: .seconds(10), patience: .seconds(600))
    /// As ``standard``, but never given up.
    public static let untilDone = StepPolicy(firstWait: .seconds(5), maximumWait: .seconds(10))

    var withoutEnd: StepPolicy {
        var policy = self
        policy.maximumAttempts = nil
        policy.patience = nil
        return policy
    }

    /// The wait after the `attempt`-th send, before jitter; the cap applies first, so that nothing overflows.
    func wait(afterAttempt attempt: Int) -> Duration {
        var wait = firstWait
        for _ in 1..<max(attempt, 1) {
            if wait >= maximumWait { break }
            wait = min(wait * factor, maximumWait)
        }
        return wait
    }
}

extension Duration {
    fileprivate static func * (duration: Duration, factor: Double) -> Duration {
        let (seconds, attoseconds) = duration.components
        return .nanoseconds(Int64((Double(seconds) * 1e9 + Double(attoseconds) / 1e9) * factor))
    }
}
