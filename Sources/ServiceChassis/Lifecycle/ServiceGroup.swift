import Clocks
import Synchronization

/// Starts services in the order of the list, each once the one before it is ready, and stops them in reverse.
package final class ServiceGroup: Sendable {
    /// What happens to the group, for logs and health.
    package enum Event: Sendable, Hashable {
        case starting(String)
        case ready(String)
        /// All services are ready for the first time.
        case running
        /// The group turns round; from here on it is not ready for work.
        case draining
        case stopping(String)
        case ended(String, reason: String?)
        case cancelled([String])
    }

    private enum Input: Sendable {
        case ready(Int)
        case ended(Int, (any Error)?)
        case stop
        case deadline(MonotonicInstant)
    }

    private let services: [any Service]
    private let drain: Duration
    private let time: any TimeSource
    private let observer: @Sendable (Event) -> Void
    private let inputs: AsyncStream<Input>
    private let sender: AsyncStream<Input>.Continuation

    /// How long cancelled services have to return before they are abandoned.
    package static let grace = Duration.seconds(2)

    /// A group whose stopping may take `drain`, from the request to stop to the cancellation of what is left.
    package init(
        _ services: [any Service], drain: Duration, time: any TimeSource,
        observer: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.services = services
        self.drain = drain
        self.time = time
        self.observer = observer
        (inputs, sender) = AsyncStream.makeStream()
    }

    /// Asks the group to stop; may be called before ``run()`` and more than once.
    package func stop() {
        sender.yield(.stop)
    }

    /// Runs the services until the group is asked to stop, or one of them ends.
    ///
    /// Services that do not return within ``grace`` of their cancellation are left running: the process is about to end.
    /// - Returns: how the group ended; call it once.
    package func run() async -> GroupOutcome {
        var state = ServiceGroupState(count: services.count, drain: drain, grace: Self.grace)
        let lives = services.indices.map { index in ServiceLife { [sender] in sender.yield(.ready(index)) } }
        var tasks: [Int: Task<Void, Never>] = [:]
        var timer: Task<Void, Never>?
        var wasRunning = false
        defer { timer?.cancel() }
        var pending = state.begin()
        var stream = inputs.makeAsyncIterator()
        while true {
            for action in pending {
                switch action {
                case .start(let index):
                    observer(.starting(services[index].name))
                    tasks[index] = start(index, lives[index])
                case .announceRunning:
                    wasRunning = true
                    observer(.running)
                case .setDeadline(let deadline):
                    if timer == nil { observer(.draining) }
                    timer?.cancel()
                    timer = Task { [time, sender] in
                        guard (try? await time.sleep(until: deadline)) != nil else { return }
                        sender.yield(.deadline(deadline))
                    }
                case .requestStop(let index):
                    observer(.stopping(services[index].name))
                    lives[index].stop()
                case .cancel(let indices):
                    observer(.cancelled(indices.map { services[$0].name }))
                    for index in indices { tasks[index]?.cancel() }
                case .end(let outcome):
                    return outcome
                }
            }
            guard let input = await stream.next() else {
                // The caller's task was cancelled: nobody will hear of the end, so nothing may go on.
                for task in tasks.values { task.cancel() }
                return wasRunning ? .stopped : .drainDeadlinePassed(Array(tasks.keys.sorted()))
            }
            pending = apply(input, to: &state)
        }
    }

    private func apply(_ input: Input, to state: inout ServiceGroupState) -> [ServiceGroupState.Action] {
        switch input {
        case .ready(let index):
            observer(.ready(services[index].name))
            return state.becameReady(index)
        case .ended(let index, let failure):
            observer(.ended(services[index].name, reason: failure.map { String(describing: $0) }))
            return state.ended(index, failure: failure, now: time.now)
        case .stop:
            return state.stopRequested(now: time.now)
        case .deadline(let deadline):
            return state.deadlinePassed(now: max(time.now, deadline))
        }
    }

    private func start(_ index: Int, _ life: ServiceLife) -> Task<Void, Never> {
        Task { [service = services[index], sender] in
            do {
                try await service.run(life)
                sender.yield(.ended(index, nil))
            } catch {
                sender.yield(.ended(index, error))
            }
        }
    }

    /// The outcome in words an operator can act on.
    package func describe(_ outcome: GroupOutcome) -> String {
        switch outcome {
        case .stopped: "everything ended in time"
        case .serviceEnded(let index, let reason?): "\(services[index].name) failed: \(reason)"
        case .serviceEnded(let index, nil): "\(services[index].name) ended without being asked"
        case .drainDeadlinePassed(let indices):
            "cancelled because the drain time was over: \(indices.map { services[$0].name }.joined(separator: ", "))"
        }
    }
}
