import Synchronization

/// One service's side of its group: it says when it is ready and hears when to stop.
package final class ServiceLife: Sendable {
    private struct State {
        var isReady = false
        var isStopping = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())
    private let onReady: @Sendable () -> Void

    /// - Parameter onReady: called once, by the first ``ready()``.
    package init(onReady: @escaping @Sendable () -> Void = {}) {
        self.onReady = onReady
    }

    /// Says that the services behind this one may start; the second and later calls do nothing.
    package func ready() {
        let isFirst = state.withLock { state in
            defer { state.isReady = true }
            return !state.isReady
        }
        if isFirst { onReady() }
    }

    /// Whether the service has been asked to stop.
    package var isStopping: Bool { state.withLock(\.isStopping) }

    /// Returns once the service is asked to stop, or its task is cancelled.
    package func stopRequested() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard !state.isStopping, !Task.isCancelled else { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    /// Asks the service to stop; the second and later calls do nothing.
    package func stop() {
        let waiters = state.withLock { state in
            state.isStopping = true
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }
}
