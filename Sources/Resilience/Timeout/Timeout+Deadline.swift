import Clocks

extension Timeout {
    /// Makes the call in the caller's own task, with this limit or the task's deadline as its deadline.
    ///
    /// Nothing is cancelled: the call ends in time if all it waits for obeys ``Deadline/current``. For such calls this
    /// is the cheaper way; it needs no task, and the call keeps the caller's isolation and its own type of error. If it
    /// throws once time is up, the answer is a refusal; if it returns a value all the same, that is the answer.
    @inlinable
    public func callByDeadline<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        guard let span = nextSpan() else { return .rejected(report(.deadlineExceeded(operation: operation))) }
        let result = await Deadline.$current.withValue(
            span.deadline,
            operation: { () async -> Result<Value, Failure> in
                do throws(Failure) {
                    return .success(try await body())
                } catch {
                    return .failure(error)
                }
            }, isolation: isolation)
        if case .failure = result, span.deadline.hasPassed(at: time.now) { return .rejected(report(timedOut(span))) }
        return Guarded(result)
    }
}
