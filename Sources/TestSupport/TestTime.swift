import Clocks

/// A clock moved by hand: time stands still until the test advances it.
///
/// A test waits for ``nextTimerScheduled()``, then moves the clock there with ``advance(to:)``: the sleeper
/// wakes although no time has passed.
package final class TestTime: TimeSource {
    private struct Sleeper {
        var deadline: MonotonicInstant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: MonotonicInstant
        var wallNow: Timestamp
        var sleepers: [UInt64: Sleeper] = [:]
        var nextSleeper: UInt64 = 0
        /// Deadlines of sleeps that began and that no test has asked for yet, in the order they began.
        var scheduled: [MonotonicInstant] = []
        var observers: [UInt64: CheckedContinuation<MonotonicInstant, any Error>] = [:]
    }

    private let state: Lock<State>

    /// Starts at one second of monotonic time, and at a wall time of 2026-01-01T00:00:00Z unless said otherwise.
    package init(
        now: MonotonicInstant = MonotonicInstant(nanoseconds: 1_000_000_000),
        wallNow: Timestamp = Timestamp(milliseconds: 1_767_225_600_000)
    ) {
        state = Lock(State(now: now, wallNow: wallNow))
    }

    package var now: MonotonicInstant { state.withLock { $0.now } }
    package var wallNow: Timestamp { state.withLock { $0.wallNow } }

    /// How many tasks sleep on this clock.
    package var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// When the first of those who sleep on this clock wakes; nil when nobody sleeps.
    package var earliestTimer: MonotonicInstant? {
        state.withLock { $0.sleepers.values.map(\.deadline).min() }
    }

    package func sleep(until deadline: MonotonicInstant) async throws {
        let ticket = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                begin(Sleeper(deadline: deadline, continuation: continuation), ticket: ticket)
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: ticket) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private func begin(_ sleeper: Sleeper, ticket: UInt64) {
        enum Next {
            case sleep(observer: CheckedContinuation<MonotonicInstant, any Error>?)
            case end(Result<Void, any Error>)
        }
        let next = state.withLock { state -> Next in
            if Task.isCancelled { return .end(.failure(CancellationError())) }
            if sleeper.deadline <= state.now { return .end(.success(())) }
            state.sleepers[ticket] = sleeper
            if let first = state.observers.keys.min() {
                return .sleep(observer: state.observers.removeValue(forKey: first))
            }
            state.scheduled.append(sleeper.deadline)
            return .sleep(observer: nil)
        }
        switch next {
        case .sleep(let observer): observer?.resume(returning: sleeper.deadline)
        case .end(let result): sleeper.continuation.resume(with: result)
        }
    }

    /// The deadline of the earliest begun sleep that was not asked for before; waits until there is one.
    ///
    /// Each sleep is reported once. A sleep whose deadline has passed already is not reported.
    /// - Throws: `CancellationError` when the task is cancelled first.
    @discardableResult
    package func nextTimerScheduled() async throws -> MonotonicInstant {
        let ticket = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready = state.withLock { state -> Result<MonotonicInstant, any Error>? in
                    if !state.scheduled.isEmpty { return .success(state.scheduled.removeFirst()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.observers[ticket] = continuation
                    return nil
                }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            let observer = state.withLock { $0.observers.removeValue(forKey: ticket) }
            observer?.resume(throwing: CancellationError())
        }
    }

    /// Moves both clocks forward and wakes whose deadline has come, earliest first. Time never runs backwards.
    package func advance(to instant: MonotonicInstant) {
        let awake = state.withLock { state -> [Sleeper] in
            let step = state.now.duration(to: instant)
            guard step > .zero else { return [] }
            state.now = instant
            state.wallNow = state.wallNow.advanced(by: step)
            let due = state.sleepers.filter { $0.value.deadline <= instant }
            for ticket in due.keys { state.sleepers[ticket] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value)
        }
        for sleeper in awake { sleeper.continuation.resume() }
    }

    /// Moves both clocks forward by `duration`.
    package func advance(by duration: Duration) {
        advance(to: now.advanced(by: duration))
    }
}
