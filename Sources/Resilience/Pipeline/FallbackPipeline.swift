import Clocks

/// A ``Pipeline`` with another answer for calls that were refused or have failed: it stands inside of the caller's deadline and
/// around all other policies, so that it answers for their refusals too.
///
/// There is no way to call it without naming that other answer. Once the caller's own deadline has passed nobody waits for
/// either, and what the call came to stands.
public struct FallbackPipeline: Sendable {
    /// The policies inside.
    public let pipeline: Pipeline
    private let fallback: Fallback

    /// Creates a pipeline with policies of its own; the parameters are those of ``Pipeline``.
    ///
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the configuration.
    public init(
        _ name: String, _ configuration: PipelineConfiguration, breaker: CircuitBreaker? = nil,
        budget: RetryBudget? = nil, time: any TimeSource, random: any RandomSource,
        observer: ResilienceObserver? = nil
    ) throws(PipelineConfigurationError) {
        var found = configuration.faults + configuration.faultsInOneTask
        if configuration.fallback != .otherAnswer { found.append("a FallbackPipeline needs the fallback otherAnswer") }
        guard found.isEmpty else { throw PipelineConfigurationError(pipeline: name, faults: found) }
        pipeline = try Pipeline(
            name, configuration.inline, breaker: breaker, budget: budget, time: time, random: random,
            observer: observer)
        fallback = Fallback(operation: name, observer: observer)
    }

    /// Makes the call under all policies; see ``Pipeline/call(priority:report:_:)``.
    ///
    /// - Parameter instead: The other answer; nil where there is none for this reason, and what the call came to stands.
    public func call<Value, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, priority: CallPriority = .normal,
        report: (Result<Value, Failure>) -> CallReport = CallReport.standard,
        _ body: (_ attempt: Int) async throws(Failure) -> Value, instead: (FallbackReason) async -> Value?
    ) async -> Guarded<FallbackAnswer<Value>, Failure> {
        let time = pipeline.time
        return await fallback.guarded {
            await pipeline.call(priority: priority, report: report, body)
        } instead: { reason in
            guard Deadline.current?.hasPassed(at: time.now) != true else { return nil }
            return await instead(reason)
        }
    }
}

/// A pipeline behind a ``StaleCache``: values are served from memory while they are young enough, fetched under all policies, and
/// served from memory all the same, up to an age of their own, when that is refused or fails.
public final class CachedPipeline<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The policies around a fetch.
    public let pipeline: ConcurrentPipeline

    /// What is remembered.
    public let cache: StaleCache<Key, Value>

    /// Creates a pipeline with policies of its own; the other parameters are those of ``Pipeline``.
    ///
    /// - Parameter fetch: Brings the values of these keys; what is not there is left out. It must obey cancellation.
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the configuration.
    public init(
        _ name: String, _ configuration: PipelineConfiguration, budget: RetryBudget? = nil, time: any TimeSource,
        random: any RandomSource, observer: ResilienceObserver? = nil,
        fetch: @escaping @Sendable (_ keys: [Key]) async throws -> [Key: Value]
    ) throws(PipelineConfigurationError) {
        var found = configuration.faults + ConcurrentPipeline.faults(configuration, budget)
        if let fault = configuration.balancingIsElsewhere { found.append(fault) }
        guard case .staleCache(let ages) = configuration.fallback, found.isEmpty else {
            if found.isEmpty { found = ["a CachedPipeline needs the fallback staleCache"] }
            throw PipelineConfigurationError(pipeline: name, faults: found)
        }
        var policies = configuration.inline
        policies.hedging = configuration.hedging
        let pipeline = try ConcurrentPipeline(
            name, policies, budget: budget, time: time, random: random, observer: observer)
        self.pipeline = pipeline
        cache = StaleCache(name: name, configuration: ages, time: time, observer: observer) { keys, _ in
            try await pipeline.call { _ in try await fetch(keys) }.get()
        }
    }

    /// The values of these keys, and how old they are; see ``StaleCache/values(for:isolation:)``.
    ///
    /// - Throws: When a value can neither be fetched nor served as it is.
    public func values(
        for keys: [Key], isolation: isolated (any Actor)? = #isolation
    ) async throws -> [Key: Cached<Value>] {
        try await cache.values(for: keys, isolation: isolation)
    }
}
