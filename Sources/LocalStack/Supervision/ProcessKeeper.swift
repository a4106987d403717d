import Clocks
import Synchronization

/// Keeps one child running: starts it, waits for its end, starts it again with growing pauses.
package final class ProcessKeeper: Sendable {
    /// What happened to the child, in order.
    package enum Event: Sendable {
        case started(pid: Int32, isRestart: Bool)
        case died(ChildExit, lastLines: [String], restartIn: Duration)
        case startFailed(reason: String, restartIn: Duration)
    }

    package let label: String
    private let stopSignal: ChildSignal
    private let patience: Duration
    private let time: any TimeSource
    private let start: @Sendable () async throws -> ChildProcess
    private let observer: @Sendable (Event) -> Void
    private let state = Mutex(State())

    private struct State {
        var child: ChildProcess?
        var deaths = 0
    }

    /// Asks the child to end with `stopSignal` and gives it `patience` for that; calls `start` again after each
    /// death, and `observer` at each event, on the keeper's task.
    package init(
        label: String, stopSignal: ChildSignal = .terminate, patience: Duration, time: any TimeSource = SystemTime(),
        start: @escaping @Sendable () async throws -> ChildProcess, observer: @escaping @Sendable (Event) -> Void
    ) {
        self.label = label
        self.stopSignal = stopSignal
        self.patience = patience
        self.time = time
        self.start = start
        self.observer = observer
    }

    /// The child that runs, or ran last.
    package var child: ChildProcess? { state.withLock { $0.child } }

    /// How often a child has ended by itself, or could not be started.
    package var deaths: Int { state.withLock { $0.deaths } }

    /// Keeps the child running until the task is cancelled, then stops it and waits for its end.
    ///
    /// - Parameter first: A child that runs already.
    package func run(first: ChildProcess? = nil) async {
        var backoff = RestartBackoff()
        var running = first
        while !Task.isCancelled {
            let startedAt = time.now
            do {
                let child: ChildProcess
                if let running { child = running } else { child = try await start() }
                running = nil
                state.withLock { $0.child = child }
                observer(.started(pid: child.pid, isRestart: deaths > 0))
                let status = try await child.exit()
                if Task.isCancelled { break }
                let delay = backoff.delay(afterLifeOf: startedAt.duration(to: time.now))
                state.withLock { $0.deaths += 1 }
                observer(.died(status, lastLines: child.lastLines(), restartIn: delay))
                try await time.sleep(for: delay)
            } catch {
                if Task.isCancelled { break }
                let delay = backoff.delay(afterLifeOf: .zero)
                state.withLock { $0.deaths += 1 }
                observer(.startFailed(reason: "\(error)", restartIn: delay))
                try? await time.sleep(for: delay)
            }
        }
        await child?.stop(with: stopSignal, patience: patience, time: time)
    }

    /// Ends the child and its process group at once.
    package func kill() {
        child?.send(.kill, toGroup: true)
    }
}
