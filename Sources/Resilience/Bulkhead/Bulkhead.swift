import Clocks
import Synchronization

/// Bounds how many calls are under way at a time; some more may wait their turn, in order, for a bounded time.
public final class Bulkhead: Sendable {
    /// Bounds of a bulkhead.
    public struct Configuration: Hashable, Sendable {
        /// Calls under way at a time; at least 1.
        public var limit = 25

        /// Calls that may wait for a place; 0 for none.
        public var queueLimit = 0

        /// No call waits longer than this, nor past its deadline.
        public var maximumWait = Duration.seconds(1)

        /// The defaults of all members.
        public init() {}

        /// What is wrong with the numbers, as sentences; empty when nothing is.
        public var faults: [String] {
            var faults: [String] = []
            if limit < 1 { faults.append("the limit must be at least 1") }
            if queueLimit < 0 { faults.append("the queue's limit must not be negative") }
            if queueLimit > 0, maximumWait <= .zero { faults.append("the longest wait must be positive") }
            return faults
        }
    }

    /// A moment's figures.
    public struct Snapshot: Hashable, Sendable {
        /// Calls under way.
        public let inUse: Int
        /// Calls waiting.
        public let waiting: Int
        /// The most that may be under way.
        public let limit: Int
        /// Calls refused since the bulkhead was made, for whatever reason.
        public let rejected: UInt64
    }

    private enum Answer {
        case place
        case expired
        case cancelled
    }

    private struct State {
        var machine: BulkheadMachine
        var waiters: [UInt64: UnsafeContinuation<Answer, Never>] = [:]
        var lastID: UInt64 = 0
    }

    /// Who it is, for events and refusals.
    public let name: String
    private let configuration: Configuration
    private let time: any TimeSource
    private let timer: DeadlineTimer
    private let observer: ResilienceObserver?
    private let state: Lock<State>
    private let places = PlaceCounter()
    private let rejected = Atomic<UInt64>(0)

    /// Creates an empty bulkhead.
    ///
    /// - Precondition: The configuration has no ``Configuration/faults``.
    public init(
        name: String, configuration: Configuration = Configuration(), time: any TimeSource,
        observer: ResilienceObserver? = nil
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "bulkhead \(name): \(faults.joined(separator: ", "))")
        self.name = name
        self.configuration = configuration
        self.time = time
        self.observer = observer
        timer = DeadlineTimer(time: time)
        state = Lock(
            State(machine: BulkheadMachine(limit: configuration.limit, queueLimit: configuration.queueLimit)))
    }

    /// Takes a place if one is free, and does not wait.
    public func tryAcquire() -> BulkheadAdmission {
        take() ? .permitted(BulkheadPermit(bulkhead: self)) : .rejected(reject(full))
    }

    /// Takes a place, waiting for one where that is allowed.
    ///
    /// Waiting ends with a place, after the longest wait, at ``Deadline/current``, or when the task is cancelled;
    /// whichever comes first decides alone, so no place is lost.
    public func acquire() async -> BulkheadAdmission {
        if !take(), let rejection = await takeLater() { return .rejected(rejection) }
        return .permitted(BulkheadPermit(bulkhead: self))
    }

    /// Makes a call in a place of the bulkhead.
    @inlinable
    public func call<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        if !take(), let rejection = await takeLater() { return .rejected(rejection) }
        let result: Result<Value, Failure>
        do throws(Failure) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        giveBack()
        return Guarded(result)
    }

    /// The figures now.
    public var snapshot: Snapshot {
        withMachine { state in
            Snapshot(
                inUse: state.machine.inUse, waiting: state.machine.waiting, limit: configuration.limit,
                rejected: rejected.load(ordering: .relaxed))
        }
    }

    private var full: Rejection {
        .bulkheadFull(bulkhead: name, limit: configuration.limit, queueLimit: configuration.queueLimit)
    }

    private func reject(_ rejection: Rejection) -> Rejection {
        rejected.wrappingAdd(1, ordering: .relaxed)
        observer?(.rejected(rejection))
        return rejection
    }

    /// Takes a place if one is free and nobody waits for it.
    @usableFromInline
    package func take() -> Bool {
        if places.take(limit: configuration.limit) { return true }
        if places.isFull(limit: configuration.limit) { return false }
        return withMachine { $0.machine.tryAcquire() }
    }

    /// Waits for a place; nil once there is one.
    @usableFromInline
    func takeLater() async -> Rejection? {
        await takeLater(until: Deadline.current?.instant ?? .distantFuture)
    }

    /// Waits for a place until `deadline`, but no longer than the longest wait; nil once there is one.
    package func takeLater(until deadline: MonotonicInstant) async -> Rejection? {
        guard configuration.queueLimit > 0 else { return reject(full) }
        let now = time.now
        let expiresAt = min(now.advanced(by: configuration.maximumWait), deadline)
        guard expiresAt > now else { return reject(.deadlineExceeded(operation: name)) }
        return switch await wait(until: expiresAt) {
        case .place: nil
        case .expired: reject(.waitedTooLong(bulkhead: name, waited: now.duration(to: expiresAt)))
        case .cancelled: reject(.cancelled(bulkhead: name))
        case nil: reject(full)
        }
    }

    /// Locks the machine, which knows how many places are taken as long as the body runs.
    private func withMachine<Answer>(_ body: (inout State) -> sending Answer) -> sending Answer {
        state.withLock { state in
            if let taken = places.shut() { state.machine.inUse = taken }
            let answer = body(&state)
            places.show(state.machine.inUse, isShut: state.machine.waiting > 0)
            return answer
        }
    }

    /// Nil when the queue is full.
    private func wait(until expiresAt: MonotonicInstant) async -> Answer? {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        var isFull = false
        var ticket: DeadlineTimer.Ticket?
        let answer = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Answer, Never>) in
                let answer = withMachine { state -> Answer? in
                    guard !Task.isCancelled else { return .cancelled }
                    switch state.machine.acquire(id, expiresAt: expiresAt) {
                    case .admitted:
                        return .place
                    case .full:
                        isFull = true
                        return .expired
                    case .queued:
                        state.waiters[id] = continuation
                        return nil
                    }
                }
                if let answer { return continuation.resume(returning: answer) }
                // Only now: a timer that fires before there is a waiter would be lost.
                ticket = timer.set(expiresAt) { self.leave(id, .expired) }
            }
        } onCancel: {
            leave(id, .cancelled)
        }
        if let ticket { timer.cancel(ticket) }
        return isFull ? nil : answer
    }

    private func leave(_ id: UInt64, _ answer: Answer) {
        let waiter = withMachine { state in
            state.machine.leave(id) ? state.waiters.removeValue(forKey: id) : nil
        }
        waiter?.resume(returning: answer)
    }

    /// Refuses all who wait now as if they had given up: for who knows that no place will become free in time.
    package func dismissWaiting() {
        let waiters = withMachine { state in
            state.machine.dismissWaiting().compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in waiters { waiter.resume(returning: .cancelled) }
    }

    /// Gives a place back, or on to the first who waits for it.
    @usableFromInline
    package func giveBack() {
        if places.giveBack() { return }
        let now = time.now
        var expired: [UnsafeContinuation<Answer, Never>] = []
        let next = withMachine { state in
            let release = state.machine.release(now: now)
            for id in release.expired { state.waiters.removeValue(forKey: id).map { expired.append($0) } }
            return release.next.flatMap { state.waiters.removeValue(forKey: $0) }
        }
        next?.resume(returning: .place)
        for waiter in expired { waiter.resume(returning: .expired) }
    }
}

/// The bulkhead's answer to a call that wants to be made.
public enum BulkheadAdmission: ~Copyable, Sendable {
    /// The call may be made; the place is taken until the permit ends.
    case permitted(BulkheadPermit)

    /// The call must not be made.
    case rejected(Rejection)
}

/// A place in a bulkhead. It cannot be copied, and is given back exactly once: by ``finish()`` or when it is dropped.
public struct BulkheadPermit: ~Copyable, Sendable {
    private let bulkhead: Bulkhead

    fileprivate init(bulkhead: Bulkhead) {
        self.bulkhead = bulkhead
    }

    /// Gives the place back now.
    public consuming func finish() {}

    deinit {
        bulkhead.giveBack()
    }
}
