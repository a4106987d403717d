import Clocks

/// A result that comes once and is waited for by many. Who gives up waiting leaves the others and the result alone.
final class SharedResult<Value: Sendable>: Sendable {
    enum Wait: Sendable {
        case value(Value)
        /// The moment came first.
        case expired
        /// The waiting task was cancelled first.
        case cancelled
    }

    private struct State {
        var value: Value?
        var waiters: [UInt64: UnsafeContinuation<Wait, Never>] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Lock(State())

    /// Hands the result to all who wait and will wait. The first counts, any other is ignored.
    func resolve(_ value: Value) {
        let waiters = state.withLock { state -> [UnsafeContinuation<Wait, Never>] in
            guard state.value == nil else { return [] }
            state.value = value
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: .value(value)) }
    }

    /// The result. Waiting ends with it, at the moment `end`, or when the task is cancelled, whichever comes first. A
    /// result that is there is returned in any case.
    func value(until end: MonotonicInstant, _ timer: DeadlineTimer) async -> Wait {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        var ticket: DeadlineTimer.Ticket?
        let wait = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Wait, Never>) in
                let wait = state.withLock { state -> Wait? in
                    if let value = state.value { return .value(value) }
                    guard !Task.isCancelled else { return .cancelled }
                    state.waiters[id] = continuation
                    return nil
                }
                if let wait { return continuation.resume(returning: wait) }
                // Only now: a timer that fires before there is a waiter would be lost.
                ticket = timer.set(end) { self.leave(id, .expired) }
            }
        } onCancel: {
            leave(id, .cancelled)
        }
        if let ticket { timer.cancel(ticket) }
        return wait
    }

    private func leave(_ id: UInt64, _ wait: Wait) {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.resume(returning: wait)
    }
}
