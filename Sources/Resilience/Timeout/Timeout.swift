import Clocks

/// Cancels a call that takes too long.
///
/// All calls of one `Timeout` share one timer. A call runs in a task of its own, so that it alone is cancelled; the task
/// begins on the caller's thread, and a call that ends without suspending costs no change of threads. Where what is
/// called obeys ``Deadline/current`` by itself, ``withDeadline(_:isolation:_:)`` is enough and costs a tenth.
public final class Timeout: Sendable {
    /// What is called, for refusals.
    public let operation: String

    /// How long a call may take.
    public let limit: Duration
    @usableFromInline let time: any TimeSource
    @usableFromInline let timer: DeadlineTimer
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
    @inlinable
    public func call<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async -> Guarded<Value, any Error> {
        guard let span = nextSpan() else { return .rejected(report(.deadlineExceeded(operation: operation))) }
        let call = TimedCall()
        let ticket = watch(call, until: span.deadline)
        let result = await withTaskCancellationHandler {
            await Task.immediate {
                call.begin()
                defer { call.end() }
                return try await Deadline.$current.withValue(span.deadline, operation: body)
            }.result
        } onCancel: {
            call.cancel()
        }
        timer.cancel(ticket)
        if case .failure = result, call.hasExpired { return .rejected(report(timedOut(span))) }
        return Guarded(result)
    }

    /// When a call begins and must end.
    @usableFromInline
    struct Span: Sendable {
        @usableFromInline let begin: MonotonicInstant
        @usableFromInline let deadline: Deadline
    }

    /// The span of a call that begins now; nil when the task's deadline has passed.
    @usableFromInline
    func nextSpan() -> Span? {
        let now = time.now
        let own = Deadline(after: limit, from: now)
        guard let outer = Deadline.current else { return Span(begin: now, deadline: own) }
        return outer.hasPassed(at: now) ? nil : Span(begin: now, deadline: min(own, outer))
    }

    @usableFromInline
    func watch(_ call: TimedCall, until deadline: Deadline) -> DeadlineTimer.Ticket {
        timer.set(deadline.instant) { call.expire() }
    }

    @usableFromInline
    func timedOut(_ span: Span) -> Rejection {
        .timedOut(operation: operation, limit: span.begin.duration(to: span.deadline.instant))
    }

    @usableFromInline
    func report(_ rejection: Rejection) -> Rejection {
        observer?(.rejected(rejection))
        return rejection
    }
}
