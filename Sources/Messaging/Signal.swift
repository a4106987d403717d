import Clocks
import Synchronization

/// Wakes one waiting task; notifications that come while nobody waits are remembered as one.
package final class Signal: Sendable {
    private struct State {
        var isPending = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Wakes the waiter, or the next one to come.
    package func notify() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if let waiter = state.waiter.take() { return waiter }
            state.isPending = true
            return nil
        }
        waiter?.resume()
    }

    /// Returns true after a notification, false when the task is cancelled. One task at a time.
    package func wait() async -> Bool {
        await suspend()
        return !Task.isCancelled
    }

    /// Returns true after a notification or at `deadline`, false when the task is cancelled.
    package func wait(until deadline: MonotonicInstant, time: any TimeSource) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.suspend() }
            group.addTask { try? await time.sleep(until: deadline) }
            await group.next()
            group.cancelAll()
        }
        return !Task.isCancelled
    }

    private func suspend() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    precondition(state.waiter == nil, "one task waits for a signal at a time")
                    if state.isPending || Task.isCancelled {
                        state.isPending = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }
}
