import Clocks

/// Makes a call again when it failed in a way that another attempt may mend.
///
/// Only for operations that may be repeated: reads, and writes that carry an idempotency key.
public struct Retry: Sendable {
    /// What is retried, for events.
    public let operation: String
    @usableFromInline let policy: RetryPolicy
    @usableFromInline let time: any TimeSource
    @usableFromInline let random: any RandomSource
    @usableFromInline let observer: ResilienceObserver?

    /// Creates the policy's executor.
    ///
    /// - Precondition: The policy has no ``RetryPolicy/faults``.
    public init(
        operation: String, policy: RetryPolicy = RetryPolicy(), time: any TimeSource, random: any RandomSource,
        observer: ResilienceObserver? = nil
    ) {
        let faults = policy.faults
        precondition(faults.isEmpty, "retry of \(operation): \(faults.joined(separator: ", "))")
        self.operation = operation
        self.policy = policy
        self.time = time
        self.random = random
        self.observer = observer
    }

    /// Makes the call until a result is accepted or the policy stops; the last result is the caller's.
    ///
    /// No attempt begins at or after ``Deadline/current``. When the caller is cancelled during a delay, the result of
    /// the attempt before it is returned at once.
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
        var schedule = RetrySchedule(policy, startedAt: time.now, deadline: Deadline.current?.instant)
        while true {
            let attempt = schedule.attempt
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try await body(attempt))
            } catch {
                result = .failure(error)
            }
            guard case .retry(let retryAfter) = classify(result) else { return try result.get() }
            switch schedule.next(retryAfter: retryAfter, now: time.now, random: random) {
            case .stop(let reason):
                observer?(.retryStopped(operation: operation, attempt: attempt, reason))
                return try result.get()
            case .retry(let delay):
                observer?(.retryScheduled(operation: operation, attempt: schedule.attempt, delay: delay))
                do {
                    try await time.sleep(for: delay)
                } catch {
                    observer?(.retryStopped(operation: operation, attempt: attempt, .cancelled))
                    return try result.get()
                }
            }
        }
    }
}
