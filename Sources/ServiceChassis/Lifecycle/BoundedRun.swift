import Clocks
import Synchronization

/// Runs work that may ignore its cancellation.
enum BoundedRun {
    /// The work's result, or nil when `limit` passes first; the work is then cancelled and left to itself.
    static func first<Value: Sendable>(
        time: any TimeSource, limit: Duration, _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let race = Race<Value>()
        let worker = Task { race.finish(await work()) }
        let timer = Task {
            guard (try? await time.sleep(for: limit)) != nil else { return }
            race.finish(nil)
        }
        defer {
            worker.cancel()
            timer.cancel()
        }
        return await withTaskCancellationHandler {
            await race.value()
        } onCancel: {
            race.finish(nil)
        }
    }
}

/// The first of several results; later ones are dropped.
private final class Race<Value: Sendable>: Sendable {
    private enum State {
        case open
        case waiting(CheckedContinuation<Value?, Never>)
        case done(Value?)
    }

    private let state = Mutex(State.open)

    func finish(_ value: Value?) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            switch state {
            case .open:
                state = .done(value)
                return nil
            case .waiting(let continuation):
                state = .done(value)
                return continuation
            case .done:
                return nil
            }
        }
        waiter?.resume(returning: value)
    }

    func value() async -> Value? {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Value?? in
                if case .done(let value) = state { return .some(value) }
                state = .waiting(continuation)
                return .none
            }
            if case .some(let value) = known { continuation.resume(returning: value) }
        }
    }
}
