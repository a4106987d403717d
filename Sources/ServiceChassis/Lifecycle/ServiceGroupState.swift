import Clocks

/// What a service group does next: the order of starting and stopping, without tasks or clocks.
///
/// Services start one after the other, each once the one before it is ready, and stop one after the other in reverse, each
/// once the one behind it has ended. The first service that ends unasked, and a stop asked from outside, turn the
/// group round; from then on nothing starts.
package struct ServiceGroupState: Sendable {
    package enum Phase: Sendable, Hashable {
        /// Services up to `next` have been started and are ready but for the last. Goes to `running` or `stopping`.
        case starting(next: Int)
        /// All are ready. Goes to `stopping`.
        case running
        /// One service after the other is asked to stop. Goes to `cancelling` at the deadline, else to `ended`.
        case stopping
        /// Everything left has been cancelled. Goes to `ended`.
        case cancelling
        /// Nothing runs any more, or what is left does not obey. Final.
        case ended
    }

    package enum Action: Sendable, Hashable {
        case start(Int)
        /// All services are ready for the first time.
        case announceRunning
        case setDeadline(MonotonicInstant)
        case requestStop(Int)
        case cancel([Int])
        case end(GroupOutcome)
    }

    private enum ServiceState: Hashable {
        case idle, started, ready, asked, ended
    }

    package private(set) var phase: Phase = .starting(next: 0)
    private var services: [ServiceState]
    private let drain: Duration
    private let grace: Duration
    private var outcome = GroupOutcome.stopped

    /// - Parameters:
    ///   - count: how many services the group has.
    ///   - drain: how long stopping may take before what is left is cancelled.
    ///   - grace: how long the cancelled have to return before they are abandoned.
    package init(count: Int, drain: Duration, grace: Duration) {
        services = Array(repeating: .idle, count: count)
        self.drain = drain
        self.grace = grace
    }

    package mutating func begin() -> [Action] {
        startNext(0)
    }

    /// The service said that it is ready.
    package mutating func becameReady(_ index: Int) -> [Action] {
        guard services[index] == .started else { return [] }
        services[index] = .ready
        guard case .starting(let next) = phase, next == index else { return [] }
        return startNext(index + 1)
    }

    /// The service returned, or threw `failure`.
    package mutating func ended(_ index: Int, failure: (any Error)?, now: MonotonicInstant) -> [Action] {
        let wasAsked = services[index] == .asked || phase == .cancelling
        services[index] = .ended
        switch phase {
        case .starting, .running:
            outcome = GroupOutcome.serviceEnded(index: index, reason: failure.map { String(describing: $0) })
            return turnRound(now: now)
        case .stopping, .cancelling:
            if let failure, outcome == .stopped, !(wasAsked && failure is CancellationError) {
                outcome = .serviceEnded(index: index, reason: String(describing: failure))
            }
            return stopNext()
        case .ended:
            return []
        }
    }

    /// A stop was asked for from outside, by a signal for instance.
    package mutating func stopRequested(now: MonotonicInstant) -> [Action] {
        switch phase {
        case .starting, .running: turnRound(now: now)
        case .stopping, .cancelling, .ended: []
        }
    }

    /// The deadline set last has passed.
    package mutating func deadlinePassed(now: MonotonicInstant) -> [Action] {
        let left = services.indices.filter { ![.idle, .ended].contains(services[$0]) }
        switch phase {
        case .starting, .running, .ended:
            return []
        case .stopping:
            phase = .cancelling
            if outcome == .stopped { outcome = .drainDeadlinePassed(left) }
            return [.cancel(left), .setDeadline(now.advanced(by: grace))]
        case .cancelling:
            phase = .ended
            return [.end(outcome)]
        }
    }

    private mutating func startNext(_ index: Int) -> [Action] {
        guard index < services.count else {
            phase = .running
            return [.announceRunning]
        }
        phase = .starting(next: index)
        services[index] = .started
        return [.start(index)]
    }

    private mutating func turnRound(now: MonotonicInstant) -> [Action] {
        phase = .stopping
        return [.setDeadline(now.advanced(by: drain))] + stopNext()
    }

    private mutating func stopNext() -> [Action] {
        guard let last = services.lastIndex(where: { $0 != .idle && $0 != .ended }) else {
            phase = .ended
            return [.end(outcome)]
        }
        guard phase == .stopping, services[last] != .asked else { return [] }
        services[last] = .asked
        return [.requestStop(last)]
    }
}

/// How a service group came to its end.
package enum GroupOutcome: Error, Sendable, Hashable {
    /// It was asked to stop and everything ended in time.
    case stopped
    /// A service ended without being asked, or failed while stopping; the reason is nil when it simply returned.
    case serviceEnded(index: Int, reason: String?)
    /// These services had not ended when the drain deadline passed and were cancelled.
    case drainDeadlinePassed([Int])
}
