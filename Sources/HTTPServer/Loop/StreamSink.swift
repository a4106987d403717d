import HTTPCodec
import Synchronization

/// Between the task that writes a streamed body and the loop that sends it.
///
/// The writer puts bytes in and is suspended while more than `limit` of them are neither sent nor dropped; the loop
/// takes them out and reports what is left. Closed by the loop when the connection ends.
final class StreamSink: HTTPBodySink {
    enum End { case complete, failed }

    /// What the loop takes out.
    struct Delivery {
        var pieces: [[UInt8]]
        var end: End?
    }

    private enum Phase { case waiting, open, closed }

    private struct State {
        var phase = Phase.waiting
        var pieces: [[UInt8]] = []
        /// Bytes in `pieces`.
        var queued = 0
        /// Bytes the loop took that the client has not.
        var unsent = 0
        var end: End?
        /// Whether the loop knows that there is something to take.
        var isAnnounced = false
        var isCancelled = false
        /// The writer, of which there is one at a time, while it waits for room or for the stream to open.
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let limit: Int
    private let announce: @Sendable () -> Void

    init(limit: Int, announce: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.announce = announce
    }

    // MARK: - The writer's side

    /// Waits until the head has been sent; false when no body is wanted or nobody is there to get one.
    func opens() async -> Bool {
        await wait { $0.phase != .waiting }
        return state.withLock { $0.phase == .open }
    }

    func write(_ bytes: [UInt8]) async throws(HTTPBodyStreamError) {
        guard !Task.isCancelled else { throw .cancelled }
        let limit = limit
        let (isOpen, isFirst, isFull) = state.withLock { state in
            guard state.phase == .open else { return (false, false, false) }
            state.pieces.append(bytes)
            state.queued += bytes.count
            defer { state.isAnnounced = true }
            return (true, !state.isAnnounced, state.queued + state.unsent > limit)
        }
        guard isOpen else { throw .connectionClosed }
        if isFirst { announce() }
        guard isFull else { return }
        await wait { $0.phase == .closed || $0.queued + $0.unsent <= limit / 2 }
        guard state.withLock({ $0.phase == .open }) else { throw .connectionClosed }
        guard !Task.isCancelled else { throw .cancelled }
    }

    /// No more will be written.
    func finish(_ end: End) {
        let mustAnnounce = state.withLock { state in
            guard state.phase == .open, state.end == nil else { return false }
            state.end = end
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
        if mustAnnounce { announce() }
    }

    /// Suspends until `isMet` or the task is cancelled.
    private func wait(until isMet: @escaping @Sendable (State) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumesNow = state.withLock { state in
                    guard !isMet(state), !state.isCancelled else { return true }
                    state.waiter = continuation
                    return false
                }
                if resumesNow { continuation.resume() }
            }
        } onCancel: {
            wake { $0.isCancelled = true }
        }
    }

    /// Changes the state and lets the waiter look at it again: it waits for room in one place at a time only.
    private func wake(_ change: (inout State) -> Void) {
        state.withLock { state in
            change(&state)
            return state.waiter.take()
        }?.resume()
    }

    // MARK: - The loop's side

    func open() { wake { $0.phase = .open } }

    func close() {
        wake { state in
            state.phase = .closed
            state.pieces = []
            state.queued = 0
        }
    }

    func take(unsent: Int) -> Delivery {
        state.withLock { state in
            state.isAnnounced = false
            state.unsent = unsent + state.queued
            state.queued = 0
            defer { state.pieces = [] }
            return Delivery(pieces: state.pieces, end: state.end)
        }
    }

    /// Takes note of what the client has still to take.
    func update(unsent: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.unsent = unsent
            guard state.queued + unsent <= limit / 2 else { return nil }
            return state.waiter.take()
        }
        waiter?.resume()
    }
}
