/// What a call says about the health of what was called.
public enum CallOutcome: String, Hashable, Sendable, CaseIterable {
    /// It works.
    case success

    /// It does not work.
    case failure

    /// Nothing: the caller gave up, the error is the caller's own, or another policy refused.
    case neutral

    /// The usual reading: a thrown error is a failure, except cancellation and refusals of policies.
    @inlinable
    public static func standard<Value, Failure: Error>(_ result: Result<Value, Failure>) -> CallOutcome {
        guard case .failure(let error) = result else { return .success }
        if let rejection = error as? Rejection {
            if case .timedOut = rejection { return .failure }
            return .neutral
        }
        return error is CancellationError ? .neutral : .failure
    }
}
