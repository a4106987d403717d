import Clocks

/// Stops calling a dependency that does not work, and finds out with a few probes when it works again.
///
/// ```swift
/// let result = await breaker.call { () async throws(ProviderError) in try await provider.charge(order) }
/// ```
///
/// Use one breaker per authority, not one for all; ``CircuitBreakerRegistry`` keeps them. All methods are safe to call
/// from anywhere; none suspends or blocks beyond a short lock.
public final class CircuitBreaker: Sendable {
    // First, so that it lies beside the object's reference count: who takes a permit touches both.
    let lane = FastLane()

    /// Who it is, for events and refusals.
    public let name: String

    /// By which numbers it judges.
    public let configuration: CircuitBreakerConfiguration
    let time: any TimeSource
    let random: any RandomSource
    let observer: ResilienceObserver?
    /// Nil where calls alone move the breaker on.
    let timer: DeadlineTimer?
    let protected: Lock<Protected>
    /// Whether a call's begin has to be known.
    let timesCalls: Bool
    /// Whether the end of a good call has to be known.
    let timesSuccesses: Bool

    /// Creates a closed breaker.
    ///
    /// - Precondition: The configuration has no ``CircuitBreakerConfiguration/faults``.
    public convenience init(
        name: String, configuration: CircuitBreakerConfiguration = CircuitBreakerConfiguration(),
        time: any TimeSource, random: any RandomSource, observer: ResilienceObserver? = nil
    ) {
        let timer = configuration.changesByTimer ? DeadlineTimer(time: time) : nil
        self.init(
            name: name, configuration: configuration, time: time, random: random, observer: observer, timer: timer)
    }

    /// Creates a closed breaker that shares its timer with others.
    init(
        name: String, configuration: CircuitBreakerConfiguration, time: any TimeSource, random: any RandomSource,
        observer: ResilienceObserver?, timer: DeadlineTimer?
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "circuit breaker \(name): \(faults.joined(separator: ", "))")
        self.name = name
        self.configuration = configuration
        self.time = time
        self.random = random
        self.observer = observer
        self.timer = timer
        timesCalls = configuration.slowCallRate != nil
        timesSuccesses = timesCalls || configuration.hasTimeWindow
        let machine = CircuitBreakerMachine(configuration)
        lane.show(machine.state, generation: machine.generation, until: machine.usualUntil)
        protected = Lock(Protected(machine: machine))
    }

    deinit {
        // Nobody else can reach it any more; its alarm would keep the timer's task for nothing.
        protected.withLock { protected in
            if let alarm = protected.alarm { timer?.cancel(alarm.ticket, endsSleep: true) }
        }
    }

    /// Asks whether a call may be made. A refusal costs neither a throw nor an allocation.
    public func admit() -> CircuitBreakerAdmission {
        var ticket = CircuitBreakerTicket()
        if let rejection = enter(&ticket) { return .rejected(rejection) }
        return .permitted(CircuitBreakerPermit(breaker: self, ticket: ticket))
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
        var ticket = CircuitBreakerTicket()
        if let rejection = enter(&ticket) { return .rejected(rejection) }
        let result: Result<Value, Failure>
        do throws(Failure) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        leave(ticket, classify(result))
        return Guarded(result)
    }

    /// What the breaker knows now.
    public var snapshot: CircuitBreakerSnapshot {
        let now = time.now
        return withMachine { $0.machine.snapshot(name: name, now: now, lastChange: $0.lastChange) }
    }

    /// The state now.
    public var state: CircuitBreakerState { lane.state.state }

    /// Until when calls are refused for certain; nil when they may be tried.
    public var openUntil: MonotonicInstant? {
        let now = time.now
        return withMachine { protected in
            guard protected.machine.state != .forcedOpen else { return .distantFuture }
            return protected.machine.openUntil.flatMap { $0 > now ? $0 : nil }
        }
    }

    /// Does what an operator wants, whatever the state. Calls that are under way no longer count, and a timer that was
    /// set for the state before is ended.
    public func obey(_ command: CircuitBreakerCommand) {
        let now = time.now
        decide(at: now) { $1 = $0.obey(command, now: now, random: random) }
    }

    /// Refuses all calls until ``reset()``.
    public func forceOpen() { obey(.forceOpen) }

    /// Opens as if too many calls had failed: for the usual time, with probes after it.
    public func trip() { obey(.trip) }

    /// Lets all calls pass unjudged until ``reset()``.
    public func disable() { obey(.disable) }

    /// Lets all calls pass, counting them, until ``reset()``.
    public func useForMetricsOnly() { obey(.metricsOnly) }

    /// Closes the breaker and forgets what it has seen.
    public func reset() { obey(.reset) }
}
