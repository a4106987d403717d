import Clocks
import Synchronization

/// Cancels a call that takes too long.
///
/// All calls of one `Timeout` share one timer; a call costs one task and no sleeping one. Where what is called obeys
/// ``Deadline/current`` by itself, ``withDeadline(_:isolation:_:)`` is enough and costs less.
public final class Timeout: Sendable {
    /// What is called, for refusals.
    public let operation: String

    /// How long a call may take.
    public let limit: Duration
    private let time: any TimeSource
    private let timer: DeadlineTimer
    private let observer: ResilienceObserver?

    /// Creates the policy.
    ///
    /// - Precondition: `limit` is positive.
    public init(operation: String, limit: Duration, time: any TimeSource, observer: ResilienceObserver? = nil) {
        precondition(limit > .zero, "the timeout of \(operation) must be positive")
        self.operation = operation
        self.limit = limit
        self.time = time
        self.observer = observer
        timer = DeadlineTimer(time: time)
    }

    /// Makes the call with this limit or the task's deadline, whichever comes first, as its deadline.
    ///
    /// When that comes the call's task is cancelled, and the call is waited for: it must obey cancellation. If it
    /// throws after that, the answer is a refusal; if it returns a value all the same, that is the answer. Cancelling
    /// the caller cancels the call.
    public func call<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async -> Guarded<Value, any Error> {
        let now = time.now
        let outer = Deadline.current
        if let outer, outer.hasPassed(at: now) { return reject(.deadlineExceeded(operation: operation)) }
        let own = Deadline(after: limit, from: now)
        let deadline = min(own, outer ?? own)
        let call = Task { try await Deadline.$current.withValue(deadline, operation: body) }
        let hasFired = Flag()
        let ticket = timer.set(deadline.instant) {
            hasFired.raise()
            call.cancel()
        }
        let result = await withTaskCancellationHandler {
            await call.result
        } onCancel: {
            call.cancel()
        }
        timer.cancel(ticket)
        guard case .failure = result, hasFired.isRaised else { return Guarded(result) }
        return reject(.timedOut(operation: operation, limit: now.duration(to: deadline.instant)))
    }

    private func reject<Value>(_ rejection: Rejection) -> Guarded<Value, any Error> {
        observer?(.rejected(rejection))
        return .rejected(rejection)
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .acquiring) }

    func raise() { value.store(true, ordering: .releasing) }
}
