import Clocks
import Synchronization

/// Stops calling a dependency that does not work, and finds out with a few probes when it works again.
///
/// ```swift
/// let result = await breaker.call { () async throws(ProviderError) in try await provider.charge(order) }
/// ```
///
/// Use one breaker per authority, not one for all. All methods are safe to call from anywhere; none suspends or
/// blocks beyond a short lock.
public final class CircuitBreaker: Sendable {
    /// Who it is, for events and refusals.
    public let name: String
    private let time: any TimeSource
    private let random: any RandomSource
    private let observer: ResilienceObserver?
    private let machine: Mutex<CircuitBreakerMachine>

    /// Creates a closed breaker.
    ///
    /// - Precondition: The configuration has no ``CircuitBreakerConfiguration/faults``.
    public init(
        name: String, configuration: CircuitBreakerConfiguration = CircuitBreakerConfiguration(),
        time: any TimeSource, random: any RandomSource, observer: ResilienceObserver? = nil
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "circuit breaker \(name): \(faults.joined(separator: ", "))")
        self.name = name
        self.time = time
        self.random = random
        self.observer = observer
        machine = Mutex(CircuitBreakerMachine(configuration))
    }

    /// Asks whether a call may be made. A refusal costs neither a throw nor an allocation.
    public func admit() -> CircuitBreakerAdmission {
        let now = time.now
        var changed: CircuitBreakerTransition?
        let decision = machine.withLock { $0.admit(now: now, random: random, changed: &changed) }
        if let changed { observer?(.circuitBreakerChanged(name: name, changed)) }
        switch decision {
        case .admitted(let ticket):
            return .permitted(CircuitBreakerPermit(breaker: self, ticket: ticket))
        case .rejected(let state, let retryAfter):
            let rejection = Rejection.circuitOpen(breaker: name, state: state, retryAfter: retryAfter)
            observer?(.rejected(rejection))
            return .rejected(rejection)
        }
    }

    /// Makes a call if the breaker permits it, and takes its result into account.
    ///
    /// - Parameters:
    ///   - isolation: The caller's isolation, which the call keeps.
    ///   - classify: What a result says about the dependency. The default takes errors as failures and cancellation
    ///     as neutral.
    ///   - body: The call.
    @inlinable
    public func call<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation,
        classify: (Result<Value, Failure>) -> CallOutcome = CallOutcome.standard,
        _ body: () async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        switch admit() {
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

    /// What the breaker knows now.
    public var snapshot: CircuitBreakerSnapshot {
        let now = time.now
        return machine.withLock { $0.snapshot(name: name, now: now) }
    }

    /// The state now.
    public var state: CircuitBreakerState { machine.withLock { $0.state } }

    /// Until when calls are refused for certain; nil when they may be tried.
    public var openUntil: MonotonicInstant? {
        let now = time.now
        return machine.withLock { machine in
            machine.state == .forcedOpen ? .distantFuture : machine.openUntil.flatMap { $0 > now ? $0 : nil }
        }
    }

    /// Refuses all calls until ``reset()``.
    public func forceOpen() { force(.forcedOpen) }

    /// Lets all calls pass unjudged until ``reset()``.
    public func disable() { force(.disabled) }

    /// Lets all calls pass, counting them, until ``reset()``.
    public func useForMetricsOnly() { force(.metricsOnly) }

    /// Closes the breaker and forgets what it has seen.
    public func reset() { force(.closed) }

    private func force(_ state: CircuitBreakerState) {
        let changed = machine.withLock { $0.force(state) }
        observer?(.circuitBreakerChanged(name: name, changed))
    }

    fileprivate func finish(_ ticket: CircuitBreakerMachine.Ticket, _ outcome: CallOutcome) {
        let now = time.now
        var changed: CircuitBreakerTransition?
        let verdict = machine.withLock { $0.finish(ticket, outcome, now: now, random: random, changed: &changed) }
        guard let observer else { return }
        if verdict == .late { observer(.lateResultDropped(breaker: name)) }
        if let changed { observer(.circuitBreakerChanged(name: name, changed)) }
    }
}

/// The breaker's answer to a call that wants to be made.
public enum CircuitBreakerAdmission: ~Copyable, Sendable {
    /// The call may be made; its result belongs into the permit.
    case permitted(CircuitBreakerPermit)

    /// The call must not be made.
    case rejected(Rejection)
}

/// The right to make one call.
///
/// It cannot be copied and finishing consumes it, so a result is given once. A permit that is dropped, by an early
/// return or a throw, gives itself back as neutral.
public struct CircuitBreakerPermit: ~Copyable, Sendable {
    private let breaker: CircuitBreaker
    private let ticket: CircuitBreakerMachine.Ticket
    private var isFinished = false

    fileprivate init(breaker: CircuitBreaker, ticket: CircuitBreakerMachine.Ticket) {
        self.breaker = breaker
        self.ticket = ticket
    }

    /// Tells the breaker what came of the call.
    public consuming func finish(_ outcome: CallOutcome) {
        isFinished = true
        breaker.finish(ticket, outcome)
    }

    deinit {
        if !isFinished { breaker.finish(ticket, .neutral) }
    }
}
