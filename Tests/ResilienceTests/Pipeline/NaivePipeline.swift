import Clocks
import Resilience

/// A call as it will go: what each of its attempts takes and says, if it comes to that.
final class CallScript: Sendable {
    struct Attempt: Sendable {
        let number: Int
        let lasting: Duration
        /// A call through the same pipeline from inside of this attempt.
        let inner: CallScript?
        let report: CallReport
        let throwsIt: Bool
    }

    let attempts: [Attempt]

    init(_ attempts: [Attempt]) { self.attempts = attempts }
}

/// What came of a call, as far as a script says.
enum CallEnd: Hashable {
    case returned(Int), threw(Int)
    case late, rateLimited, noPlace, broken, other
}

/// An attempt that was made, and the deadline it was told.
struct MadeAttempt: Hashable {
    let number: Int
    let deadline: MonotonicInstant?
}

/// A pipeline that is told everything beforehand, and follows its order of policies step by step on a clock of its own.
struct NaivePipeline {
    let configuration: PipelineConfiguration
    /// Further calls earned by each that ended well, and how many may be saved up; nil for no budget.
    let budget: RetryBudgetConfiguration?
    var now: MonotonicInstant
    var breaker: NaiveBreaker?
    private(set) var made: [MadeAttempt] = []
    private(set) var inUse = 0
    private(set) var balance = 0.0
    private(set) var (withdrawn, unpaid) = (0, 0)
    private(set) var outcomes: [CallOutcome: Int] = [:]
    private(set) var (refusals, lateResults) = (0, 0)
    /// What is left of the rate limit, in the time it takes to come back.
    private var rateCredit: Duration
    private var rateTakenAt: MonotonicInstant

    init(_ configuration: PipelineConfiguration, budget: RetryBudgetConfiguration?, now: MonotonicInstant) {
        self.configuration = configuration
        self.budget = budget
        self.now = now
        breaker = configuration.breaker.map { NaiveBreaker(configuration: $0) }
        rateCredit = configuration.rateLimit.map { $0.period * $0.burst } ?? .zero
        rateTakenAt = now
    }

    mutating func call(_ script: CallScript, deadline outer: MonotonicInstant?) -> CallEnd {
        if let outer, outer <= now { return .late }
        let deadline = earlier(outer, configuration.totalTimeout)
        guard takePermit() else { return .rateLimited }
        if let bulkhead = configuration.bulkhead, inUse >= bulkhead.limit { return .noPlace }
        inUse += 1
        defer { inUse -= 1 }
        guard configuration.breakerScope == .call else { return repeated(script, deadline).end }
        guard let permit = admit() else { return .broken }
        let (end, outcome) = repeated(script, deadline)
        finish(permit, outcome)
        return end
    }

    private mutating func repeated(
        _ script: CallScript, _ deadline: MonotonicInstant?
    ) -> (end: CallEnd, outcome: CallOutcome) {
        let startedAt = now
        for (index, attempt) in script.attempts.enumerated() {
            var permit: Permit?
            if configuration.breakerScope == .attempt {
                permit = admit()
                if permit == nil { return (.broken, .neutral) }
            }
            make(attempt, earlier(deadline, configuration.attemptTimeout))
            if let permit { finish(permit, attempt.report.outcome) }
            let end = attempt.throwsIt ? CallEnd.threw(attempt.number) : .returned(attempt.number)
            switch attempt.report.retry {
            case .accept:
                if let budget { balance = min(Double(budget.maximumBalance), balance + budget.share) }
                return (end, attempt.report.outcome)
            case .retry(let retryAfter):
                if mayRepeat(attempt), let start = start(of: index + 2, retryAfter, startedAt, deadline), pay() {
                    now = start
                    continue
                }
                return (end, attempt.report.outcome)
            case .giveUp: return (end, attempt.report.outcome)
            }
        }
        return (.other, .neutral)
    }

    private mutating func make(_ attempt: CallScript.Attempt, _ deadline: MonotonicInstant?) {
        made.append(MadeAttempt(number: attempt.number, deadline: deadline))
        now = now.advanced(by: attempt.lasting)
        if let inner = attempt.inner { _ = call(inner, deadline: deadline) }
    }

    private func mayRepeat(_ attempt: CallScript.Attempt) -> Bool {
        if attempt.report.hadNoEffect { return true }
        return configuration.safety != .unsafe && !configuration.retriesOnlyWithoutEffect
    }

    /// When the attempt with this number may begin; nil for never.
    private func start(
        of number: Int, _ retryAfter: Duration?, _ startedAt: MonotonicInstant, _ deadline: MonotonicInstant?
    ) -> MonotonicInstant? {
        guard let policy = configuration.retry, number <= policy.maximumAttempts else { return nil }
        guard retryAfter ?? .zero <= policy.maximumRetryAfter else { return nil }
        // 100, 200, 400 ms and no more.
        let own = Duration.milliseconds(100 * min(4, 1 << (number - 2)))
        let start = now.advanced(by: max(own, retryAfter ?? .zero))
        if let deadline, start >= deadline { return nil }
        if let total = policy.totalTime, startedAt.duration(to: start) > total { return nil }
        return start
    }

    private mutating func pay() -> Bool {
        guard budget != nil else { return true }
        guard balance >= 1 else {
            unpaid += 1
            return false
        }
        balance -= 1
        withdrawn += 1
        return true
    }

    private mutating func takePermit() -> Bool {
        guard let rate = configuration.rateLimit else { return true }
        rateCredit = min(rate.period * rate.burst, rateCredit + rateTakenAt.duration(to: now))
        rateTakenAt = now
        guard rateCredit >= rate.period else { return false }
        rateCredit -= rate.period
        return true
    }

    private func earlier(_ outer: MonotonicInstant?, _ timeout: Duration?) -> MonotonicInstant? {
        let own = timeout.map { now.advanced(by: $0) }
        return [outer, own].compactMap { $0 }.min()
    }

    // MARK: Breaker

    private struct Permit {
        let generation: UInt32
        let startedAt: MonotonicInstant
    }

    /// Without a breaker everybody has leave.
    private mutating func admit() -> Permit? {
        guard breaker?.admit(now: now) ?? true else {
            refusals += 1
            return nil
        }
        return Permit(generation: breaker?.generation ?? 0, startedAt: now)
    }

    private mutating func finish(_ permit: Permit, _ outcome: CallOutcome) {
        guard breaker != nil else { return }
        breaker?.finish(generation: permit.generation, startedAt: permit.startedAt, outcome, now: now)
        if breaker?.isLate == true { lateResults += 1 } else { outcomes[outcome, default: 0] += 1 }
    }
}
