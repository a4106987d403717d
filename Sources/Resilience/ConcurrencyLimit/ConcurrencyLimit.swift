import Clocks

/// Bounds how many calls are under way at a time by a limit that it finds itself, and sheds by priority.
///
/// ```swift
/// switch limit.admit(.normal) {
/// case .rejected: return .serviceUnavailable
/// case .permitted(let permit):
///     let answer = await handle(request)
///     permit.finish(.success)
/// }
/// ```
///
/// For servers (what we can do at a time) and clients (what the other side can). Refusals are immediate: the limit
/// already holds the queueing that is worth having, and waiting longer would be the overload it guards against. A limit
/// only grows when it was nearly used up. Admitting and finishing cost a clock reading and a short lock each, and
/// allocate nothing.
public final class ConcurrencyLimit: Sendable {
    /// Who it is, for events and refusals.
    public let name: String
    private let time: any TimeSource
    private let observer: ResilienceObserver?
    private let machine: Lock<ConcurrencyLimitMachine>

    /// Creates a limit with nothing under way.
    ///
    /// - Precondition: The configuration has no ``ConcurrencyLimitConfiguration/faults``.
    public init(
        name: String, configuration: ConcurrencyLimitConfiguration = ConcurrencyLimitConfiguration(),
        time: any TimeSource, observer: ResilienceObserver? = nil
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "concurrency limit \(name): \(faults.joined(separator: ", "))")
        self.name = name
        self.time = time
        self.observer = observer
        machine = Lock(ConcurrencyLimitMachine(configuration, now: time.now))
    }

    /// Asks whether a call may be made now.
    public func admit(_ priority: CallPriority = .normal) -> ConcurrencyAdmission {
        let now = time.now
        let refusedAt: Int? = machine.withLock { machine in
            machine.admit(priority, now: now) ? nil : machine.limit
        }
        guard let refusedAt else {
            return .permitted(ConcurrencyPermit(limit: self, startedAt: now))
        }
        let rejection = Rejection.limitReached(limiter: name, limit: refusedAt, priority: priority)
        observer?(.rejected(rejection))
        return .rejected(rejection)
    }

    /// Makes a call if it is admitted, and takes its latency into account.
    ///
    /// - Parameters:
    ///   - priority: How much it matters.
    ///   - isolation: The caller's isolation, which the call keeps.
    ///   - classify: What a result says about load. By default only values are successes: an error may be quick or slow
    ///     for reasons of its own.
    ///   - body: The call.
    @inlinable
    public func call<Value, Failure: Error>(
        _ priority: CallPriority = .normal, isolation: isolated (any Actor)? = #isolation,
        classify: (Result<Value, Failure>) -> LimitedCallOutcome = LimitedCallOutcome.standard,
        _ body: () async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        switch admit(priority) {
        case .rejected(let rejection):
            return .rejected(rejection)
        case .permitted(let permit):
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            permit.finish(classify(result))
            return Guarded(result)
        }
    }

    /// The figures now.
    public var snapshot: ConcurrencyLimitSnapshot {
        machine.withLock { ConcurrencyLimitSnapshot(name: name, machine: $0) }
    }

    fileprivate func finish(_ outcome: LimitedCallOutcome, startedAt: MonotonicInstant) {
        let now = time.now
        let change = machine.withLock { $0.finish(outcome, startedAt: startedAt, now: now) }
        guard let change, let observer else { return }
        observer(.concurrencyLimitChanged(limiter: name, from: change.from, to: change.to))
    }
}

/// A concurrency limit's answer to a call that wants to be made.
public enum ConcurrencyAdmission: ~Copyable, Sendable {
    /// The call may be made; it is under way until the permit ends.
    case permitted(ConcurrencyPermit)

    /// The call must not be made.
    case rejected(Rejection)
}

/// The right to make one call now. It cannot be copied and finishing consumes it, so a call ends once; one that is
/// dropped ends as neutral.
public struct ConcurrencyPermit: ~Copyable, Sendable {
    private let limit: ConcurrencyLimit
    private let startedAt: MonotonicInstant
    private var isFinished = false

    fileprivate init(limit: ConcurrencyLimit, startedAt: MonotonicInstant) {
        self.limit = limit
        self.startedAt = startedAt
    }

    /// Tells the limit what came of the call.
    public consuming func finish(_ outcome: LimitedCallOutcome) {
        isFinished = true
        limit.finish(outcome, startedAt: startedAt)
    }

    deinit {
        if !isFinished { limit.finish(.neutral, startedAt: startedAt) }
    }
}
