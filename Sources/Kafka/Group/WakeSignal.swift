import Synchronization

/// Wakes the task that waits for messages; a signal without a waiter is kept for the next one.
///
/// The lock is a leaf: librdkafka signals while it holds a lock of its own queue.
final class WakeSignal: Sendable {
    private struct State {
        var isSignalled = false
        var nextTicket: UInt64 = 0
        var cancelled: Set<UInt64> = []
        var waiters: [(ticket: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    }

    private let state = Mutex(State())

    func signal() {
        let waiters = state.withLock { state in
            state.isSignalled = state.waiters.isEmpty
            defer { state.waiters.removeAll(keepingCapacity: true) }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    /// Returns after the next ``signal()``, or at once when there was one since the last wait.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func wait() async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Void, any Error>? in
                    if state.cancelled.remove(ticket) != nil { return .failure(CancellationError()) }
                    guard !state.isSignalled else {
                        state.isSignalled = false
                        return .success(())
                    }
                    state.waiters.append((ticket, continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let place = state.waiters.firstIndex(where: { $0.ticket == ticket }) else {
                    state.cancelled.insert(ticket)
                    return nil
                }
                return state.waiters.remove(at: place).continuation
            }
            waiter?.resume(throwing: CancellationError())
        }
        // A cancellation that came after the signal left its mark for nobody.
        _ = state.withLock { $0.cancelled.remove(ticket) }
    }
}
