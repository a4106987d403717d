import Clocks

/// All policies of one kind of call in the one order that works; see ``PipelineConfiguration`` for it.
///
/// ```swift
/// var configuration = PipelineConfiguration(safety: .keyed)
/// configuration.totalTimeout = .seconds(3)
/// configuration.breaker = CircuitBreakerConfiguration()
/// configuration.retry = RetryPolicy()
/// let pipeline = try Pipeline("payment-provider", configuration, budget: budget, time: SystemTime(), random: SystemRandom())
///
/// let result = await pipeline.call { attempt async throws(ProviderError) in try await provider.charge(order) }
/// ```
///
/// What is called runs in the caller's task and isolation, so that a call that ends well costs no allocation. It has
/// to obey ``Deadline/current``, which holds the earliest of the caller's deadline, the total and the attempt's
/// timeout; what does not obey it is called by a ``ConcurrentPipeline``.
public final class Pipeline: Sendable {
    /// Who it is, for events and refusals; its policies have the same name.
    public let name: String

    /// What it was made from.
    public let configuration: PipelineConfiguration

    /// The breaker, to be shown, forced or shared; nil when there is none.
    public let breaker: CircuitBreaker?

    /// The bulkhead; nil when there is none.
    public let bulkhead: Bulkhead?

    /// The adaptive limit; nil when there is none.
    public let concurrencyLimit: ConcurrencyLimit?

    /// The rate limiter; nil when there is none.
    public let rateLimiter: RateLimiter?

    /// The account that further attempts are paid from; nil when they are free.
    public let budget: RetryBudget?

    let retry: Retry?
    @usableFromInline let needsStart: Bool
    /// Whether more stands before the rate limit than the caller's deadline.
    @usableFromInline let isTimedOrLimited: Bool
    @usableFromInline let totalTimeout: Duration?
    @usableFromInline let attemptTimeout: Duration?
    // On the way of each call the policies are reached without counting references, which two threads would fight over.
    // That is safe: the pipeline holds each of them by a property above as long as it lives, and lives while it is called.
    @usableFromInline let rate: Unmanaged<RateLimiter>?
    @usableFromInline let places: Unmanaged<Bulkhead>?
    @usableFromInline let callBreaker: Unmanaged<CircuitBreaker>?
    @usableFromInline let account: Unmanaged<RetryBudget>?
    @usableFromInline let attemptBreaker: CircuitBreaker?
    @usableFromInline let safety: CallSafety
    @usableFromInline let repeatsAfterEffects: Bool
    @usableFromInline let waitsForRate: Bool
    /// Whether an attempt is the bare call.
    @usableFromInline let hasPlainAttempts: Bool
    @usableFromInline let time: any TimeSource
    @usableFromInline let random: any RandomSource
    @usableFromInline let observer: ResilienceObserver?

    /// Creates a pipeline with policies of its own.
    ///
    /// - Parameters:
    ///   - name: The dependency, or the operation where it has policies of its own.
    ///   - configuration: Which policies there are.
    ///   - breaker: The breaker, where somebody else made it from the configuration to watch over it.
    ///   - budget: The dependency's account for further attempts, shared with all who call it.
    ///   - time: Where time comes from.
    ///   - random: For jitter.
    ///   - observer: Is told what any of the policies does.
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the configuration.
    public convenience init(
        _ name: String, _ configuration: PipelineConfiguration, breaker: CircuitBreaker? = nil,
        budget: RetryBudget? = nil, time: any TimeSource, random: any RandomSource,
        observer: ResilienceObserver? = nil
    ) throws(PipelineConfigurationError) {
        let found = configuration.faults + Self.faults(configuration)
        guard found.isEmpty else { throw PipelineConfigurationError(pipeline: name, faults: found) }
        self.init(
            name, configuration,
            guardedBy: configuration.breaker.map {
                breaker
                    ?? CircuitBreaker(name: name, configuration: $0, time: time, random: random, observer: observer)
            },
            bulkhead: configuration.bulkhead.map {
                Bulkhead(name: name, configuration: $0, time: time, observer: observer)
            },
            concurrencyLimit: configuration.concurrencyLimit.map {
                ConcurrencyLimit(name: name, configuration: $0, time: time, observer: observer)
            },
            rateLimiter: configuration.rateLimit.map {
                RateLimiter(
                    name: name, limit: $0, maximumWait: configuration.maximumRateWait, time: time, observer: observer)
            },
            budget: budget, time: time, random: random, observer: observer)
    }

    private init(
        _ name: String, _ configuration: PipelineConfiguration, guardedBy breaker: CircuitBreaker?,
        bulkhead: Bulkhead?, concurrencyLimit: ConcurrencyLimit?, rateLimiter: RateLimiter?, budget: RetryBudget?,
        time: any TimeSource,
        random: any RandomSource, observer: ResilienceObserver?
    ) {
        self.name = name
        self.configuration = configuration
        self.breaker = breaker
        self.bulkhead = bulkhead
        self.concurrencyLimit = concurrencyLimit
        self.rateLimiter = rateLimiter
        self.budget = budget
        self.time = time
        self.random = random
        self.observer = observer
        retry = configuration.retry.map {
            Retry(operation: name, policy: $0, budget: budget, time: time, random: random, observer: observer)
        }
        needsStart = retry?.needsStart == true
        isTimedOrLimited = configuration.totalTimeout != nil || concurrencyLimit != nil
        totalTimeout = configuration.totalTimeout
        attemptTimeout = configuration.attemptTimeout
        rate = rateLimiter.map { .passUnretained($0) }
        places = bulkhead.map { .passUnretained($0) }
        callBreaker = configuration.breakerScope == .call ? breaker.map { .passUnretained($0) } : nil
        account = budget.map { .passUnretained($0) }
        attemptBreaker = configuration.breakerScope == .attempt ? breaker : nil
        safety = configuration.safety
        repeatsAfterEffects = configuration.safety != .unsafe && !configuration.retriesOnlyWithoutEffect
        waitsForRate = configuration.maximumRateWait > .zero
        hasPlainAttempts = attemptBreaker == nil && attemptTimeout == nil
    }

    /// A pipeline for another operation of the same dependency: its own name, safety, retries and timeouts, and this
    /// one's breaker, bulkhead, rate limiter and budget.
    ///
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the changed configuration.
    public func variant(
        _ name: String, _ change: (inout PipelineConfiguration) -> Void
    ) throws(PipelineConfigurationError) -> Pipeline {
        let changed = changed(change)
        let found = changed.faults + Self.faults(changed)
        guard found.isEmpty else { throw PipelineConfigurationError(pipeline: name, faults: found) }
        return sharing(name, changed)
    }

    /// The same, for calls that may be hedged or have to be cancelled; see ``ConcurrentPipeline``.
    ///
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the changed configuration.
    public func concurrentVariant(
        _ name: String, _ change: (inout PipelineConfiguration) -> Void
    ) throws(PipelineConfigurationError) -> ConcurrentPipeline {
        var changed = changed(change)
        let found =
            changed.faults + ConcurrentPipeline.faults(changed, budget) + ConcurrentPipeline.faultsElsewhere(changed)
        guard found.isEmpty else { throw PipelineConfigurationError(pipeline: name, faults: found) }
        let hedging = changed.hedging
        changed.hedging = nil
        return ConcurrentPipeline(sharing(name, changed), hedging: hedging)
    }

    private static func faults(_ configuration: PipelineConfiguration) -> [String] {
        configuration.faultsInOneTask + [configuration.fallbackIsElsewhere].compactMap { $0 }
    }

    private func changed(_ change: (inout PipelineConfiguration) -> Void) -> PipelineConfiguration {
        var changed = configuration
        change(&changed)
        changed.breaker = configuration.breaker
        changed.bulkhead = configuration.bulkhead
        changed.concurrencyLimit = configuration.concurrencyLimit
        changed.rateLimit = configuration.rateLimit
        changed.maximumRateWait = configuration.maximumRateWait
        return changed
    }

    private func sharing(_ name: String, _ configuration: PipelineConfiguration) -> Pipeline {
        Pipeline(
            name, configuration, guardedBy: breaker, bulkhead: bulkhead, concurrencyLimit: concurrencyLimit,
            rateLimiter: rateLimiter, budget: budget,
            time: time, random: random, observer: observer)
    }
}
