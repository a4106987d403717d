import Clocks

/// Makes a call again when it failed in a way that another attempt may mend.
///
/// Only for operations that may be repeated: reads, and writes that carry an idempotency key.
public struct Retry: Sendable {
    /// What is retried, for events.
    public let operation: String
    @usableFromInline let policy: RetryPolicy
    @usableFromInline let budget: RetryBudget?
    @usableFromInline let time: any TimeSource
    @usableFromInline let random: any RandomSource
    @usableFromInline let observer: ResilienceObserver?

    /// Creates the policy's executor; `budget` is that of the dependency, shared with all who call it.
    ///
    /// - Precondition: The policy has no ``RetryPolicy/faults``.
    public init(
        operation: String, policy: RetryPolicy = RetryPolicy(), budget: RetryBudget? = nil, time: any TimeSource,
        random: any RandomSource, observer: ResilienceObserver? = nil
    ) {
        let faults = policy.faults
        precondition(faults.isEmpty, "retry of \(operation): \(faults.joined(separator: ", "))")
        self.operation = operation
        self.policy = policy
        self.budget = budget
        self.time = time
        self.random = random
        self.observer = observer
    }

    /// Makes the call until a result is accepted or the policy stops; the last result is the caller's.
    ///
    /// No further attempt begins at or after ``Deadline/current``, nor does a delay that would end then. When the caller
    /// is cancelled during a delay, the result of the attempt before it is returned at once.
    ///
    /// A further attempt is paid for from the budget before its delay begins, so that no more wait than may be made. A
    /// call that ends with an accepted result makes one deposit, at whichever attempt: calls that fail earn nothing,
    /// so that while the dependency is down only the budget's floor is spent on it.
    ///
    /// - Parameters:
    ///   - isolation: The caller's isolation, which the calls keep.
    ///   - classify: What a result asks for.
    ///   - body: The call, given the number of the attempt from 1.
    /// - Throws: What the last attempt threw.
    @inlinable
    public func call<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation,
        classify: (Result<Value, Failure>) -> RetryVerdict = RetryVerdict.standard,
        _ body: (_ attempt: Int) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let startedAt = needsStart ? time.now : .distantFuture
        var schedule: RetrySchedule?
        var attempt = 1
        while true {
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try await body(attempt))
            } catch {
                result = .failure(error)
            }
            switch classify(result) {
            case .accept:
                budget?.deposit()
                return try result.get()
            case .giveUp:
                return try result.get()
            case .retry(let retryAfter):
                guard let next = await nextAttempt(retryAfter, startedAt: startedAt, &schedule) else {
                    return try result.get()
                }
                attempt = next
            }
        }
    }

    /// Whether somebody will ask when a call began: a good call of others reads no clock.
    @usableFromInline var needsStart: Bool { policy.totalTime != nil }

    /// Decides what follows a failed attempt, and waits for the next one. Its number, or nil when there is none.
    @usableFromInline @inline(never)
    func nextAttempt(
        _ retryAfter: Duration?, startedAt: MonotonicInstant, _ schedule: inout RetrySchedule?
    ) async -> Int? {
        var current = schedule ?? RetrySchedule(policy, startedAt: startedAt, deadline: Deadline.current?.instant)
        let attempt = current.attempt
        let now = time.now
        var decision = current.next(retryAfter: retryAfter, now: now, random: random)
        schedule = current
        // Last, so that nothing is paid for an attempt that something else forbids.
        if case .retry = decision, let budget, !budget.withdraw(now: now) { decision = .stop(.budgetEmpty) }
        switch decision {
        case .stop(let reason):
            return stopped(reason, after: attempt)
        case .retry(let delay):
            observer?(.retryScheduled(operation: operation, attempt: current.attempt, delay: delay))
            do {
                try await time.sleep(for: delay)
            } catch {
                return stopped(.cancelled, after: attempt)
            }
            return current.mayBegin(now: time.now) ? current.attempt : stopped(.deadlineTooNear, after: attempt)
        }
    }

    private func stopped(_ reason: RetryStop, after attempt: Int) -> Int? {
        observer?(.retryStopped(operation: operation, attempt: attempt, reason))
        return nil
    }
}
