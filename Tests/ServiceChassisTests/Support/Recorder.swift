import Synchronization

/// Keeps what happened, in order, and lets a test wait for it.
final class Recorder<Event: Sendable & Equatable>: Sendable {
    private struct State {
        var events: [Event] = []
        var watchers: [(event: Event, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var events: [Event] { state.withLock(\.events) }

    func record(_ event: Event) {
        let due = state.withLock { state in
            state.events.append(event)
            let due = state.watchers.filter { $0.event == event }
            state.watchers.removeAll { $0.event == event }
            return due
        }
        for watcher in due { watcher.continuation.resume() }
    }

    /// Returns once the event has happened.
    func wait(for event: Event) async {
        await withCheckedContinuation { continuation in
            let isKnown = state.withLock { state in
                if state.events.contains(event) { return true }
                state.watchers.append((event, continuation))
                return false
            }
            if isKnown { continuation.resume() }
        }
    }
}
