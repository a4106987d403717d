/// What stands between a call under a timeout and those who may end it: the timer and the caller's cancellation.
@usableFromInline
final class TimedCall: Sendable {
    private enum Standing {
        case notBegun
        case running(Handle)
        case ended
    }

    /// How others can cancel a task before anybody else has a handle of it.
    // Sendable: cancelling is allowed from anywhere while the task lives. Handles stay under the lock, and the task
    // itself takes its handle back, under the lock, before it ends.
    private struct Handle: @unchecked Sendable {
        let task: UnsafeCurrentTask?
    }

    private struct State {
        var standing = Standing.notBegun
        var isCancelled = false
        var hasExpired = false
    }

    private let state = Lock(State())

    @usableFromInline
    init() {}

    /// Whether time was up while the call ran.
    @usableFromInline
    var hasExpired: Bool { state.withLock { $0.hasExpired } }

    /// The running task is the call's; it is cancelled at once if that was wanted before.
    @usableFromInline
    func begin() {
        withUnsafeCurrentTask { task in
            let handle = Handle(task: task)
            state.withLock { state in
                state.standing = .running(handle)
                if state.isCancelled { handle.task?.cancel() }
            }
        }
    }

    /// The call is over: nothing cancels its task any more.
    @usableFromInline
    func end() { state.withLock { $0.standing = .ended } }

    /// Time is up.
    func expire() { cancel(expired: true) }

    /// The caller gave up.
    @usableFromInline
    func cancel() { cancel(expired: false) }

    /// Handlers that the body has set for its cancellation run under the lock: they hold up its end, not its run.
    private func cancel(expired: Bool) {
        state.withLock { state in
            if case .ended = state.standing { return }
            state.isCancelled = true
            if expired { state.hasExpired = true }
            if case .running(let handle) = state.standing { handle.task?.cancel() }
        }
    }
}
