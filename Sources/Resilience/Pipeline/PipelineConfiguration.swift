import Clocks

/// Which policies guard a call, and how; nil leaves a policy out.
///
/// The order is fixed, from the outside in:
///
///     deadline → fallback → rate limit → bulkhead or concurrency limit → circuit breaker → retry (budgeted) → hedging → attempt timeout → endpoint → call
///
/// Some policies need more than a ``Pipeline`` can do, and a type that can: hedging a ``ConcurrentPipeline``, balancing a
/// ``BalancedPipeline``, another answer a ``FallbackPipeline``, a stale cache a ``CachedPipeline``. A configuration
/// for one of them is refused by the others.
///
/// - The fallback stands inside of the caller's deadline and around everything else: what it answers with needs no leave of
///   any policy.
/// - The deadline is outermost: nothing waits for what nobody waits for any more.
/// - What is refused by rate or for want of a place says nothing about the dependency, so both stand before the breaker.
/// - The breaker sees the outcome of the whole retried call. With ``BreakerScope/attempt`` it stands inside of the
///   retry and sees each attempt: it then opens sooner and ends retries of others that are under way, but a caller
///   whose retries would have succeeded can be refused. Use it where the breaker guards one endpoint alone.
/// - The budget is asked for each attempt after the first, whoever makes it.
public struct PipelineConfiguration: Sendable {
    /// What the breaker judges.
    public enum BreakerScope: String, Hashable, Sendable, CaseIterable {
        /// The call as its caller sees it, retries included.
        case call
        /// Each attempt.
        case attempt
    }

    /// What answers for a call that was refused or has failed.
    public enum FallbackMember: Hashable, Sendable {
        /// What the caller names with the call; only with a ``FallbackPipeline``.
        case otherAnswer
        /// What was fetched before; only with a ``CachedPipeline``.
        case staleCache(StaleCacheConfiguration)
    }

    /// Whether the operation may be made more than once.
    public var safety: CallSafety

    /// How long the whole call may take; it shortens the caller's deadline.
    public var totalTimeout: Duration?

    /// How often the operation may be called.
    public var rateLimit: RateLimit?

    /// How long a call may wait for its turn under the rate limit; zero for not at all.
    public var maximumRateWait = Duration.zero

    /// How many calls may be under way.
    public var bulkhead: Bulkhead.Configuration?

    /// How many calls may be under way where no number is known: it is found by latency. In place of a bulkhead.
    public var concurrencyLimit: ConcurrencyLimitConfiguration?

    /// When calls are refused because the dependency does not work.
    public var breaker: CircuitBreakerConfiguration?

    /// What the breaker judges.
    public var breakerScope = BreakerScope.call

    /// How a failed call is made again.
    public var retry: RetryPolicy?

    /// Retries only after attempts that certainly had no effect; an unsafe operation can be retried in no other way.
    public var retriesOnlyWithoutEffect = false

    /// When a further attempt is started beside a slow one; only with a ``ConcurrentPipeline``.
    public var hedging: HedgeConfiguration?

    /// How long one attempt may take.
    public var attemptTimeout: Duration?

    /// What answers for a call that was refused or has failed.
    public var fallback: FallbackMember?

    /// How attempts are spread over the endpoints of the dependency; only with a ``BalancedPipeline``.
    public var balancing: LoadBalancerConfiguration?

    /// A configuration without any policy, for an operation of this safety.
    public init(safety: CallSafety) {
        self.safety = safety
    }
}

extension PipelineConfiguration {
    /// What is wrong with the numbers, alone or with one another, as sentences; empty when nothing is.
    public var faults: [String] {
        ownFaults + timeFaults + combinationFaults
    }

    /// What the policies find wrong with themselves.
    private var ownFaults: [String] {
        let parts: [(String, [String])] = [
            ("rate limit", rateLimit?.faults ?? []), ("bulkhead", bulkhead?.faults ?? []),
            ("concurrency limit", concurrencyLimit?.faults ?? []),
            ("circuit breaker", breaker?.faults ?? []), ("retry", retry?.faults ?? []),
            ("hedging", hedging?.faults ?? []), ("load balancer", balancing?.faults ?? []),
            ("stale cache", staleCache?.faults ?? []),
        ]
        return parts.flatMap { name, faults in faults.map { "\(name): \($0)" } }
    }

    private var timeFaults: [String] {
        var faults: [String] = []
        for (name, timeout) in [("total timeout", totalTimeout), ("attempt timeout", attemptTimeout)] {
            if let timeout, timeout <= .zero { faults.append("the \(name) must be positive") }
        }
        if maximumRateWait < .zero { faults.append("the longest wait for the rate limit must not be negative") }
        if maximumRateWait > .zero, rateLimit == nil {
            faults.append("a wait for the rate limit needs a rate limit")
        }
        guard let totalTimeout else { return faults }
        if let staleCache, staleCache.fetchTimeout < totalTimeout {
            faults.append(
                "the cache's fetch timeout (\(staleCache.fetchTimeout)) ends calls before the total timeout (\(totalTimeout))"
            )
        }
        if let attemptTimeout, attemptTimeout > totalTimeout {
            faults.append("the attempt timeout (\(attemptTimeout)) is longer than the total timeout (\(totalTimeout))")
        }
        if let bulkhead, bulkhead.queueLimit > 0, bulkhead.maximumWait >= totalTimeout {
            faults.append(
                "the wait for the bulkhead (\(bulkhead.maximumWait)) leaves no time of the total timeout")
        }
        if maximumRateWait >= totalTimeout {
            faults.append(
                "the wait for the rate limit (\(maximumRateWait)) leaves no time of the total timeout")
        }
        if let total = retry?.totalTime, total > totalTimeout {
            faults.append("the retry's total time (\(total)) is longer than the total timeout (\(totalTimeout))")
        }
        return faults + breakerTimeFaults(totalTimeout)
    }

    /// A call that takes as long as it may must still count as slow, or no call ever will.
    private func breakerTimeFaults(_ totalTimeout: Duration) -> [String] {
        guard let breaker, breaker.slowCallRate != nil else { return [] }
        let longest = breakerScope == .attempt ? attemptTimeout ?? totalTimeout : totalTimeout
        guard breaker.slowCallDuration > longest else { return [] }
        return ["no call is ever slow: a slow call (\(breaker.slowCallDuration)) exceeds the timeout (\(longest))"]
    }

    private var combinationFaults: [String] {
        var faults: [String] = []
        if bulkhead != nil, concurrencyLimit != nil {
            faults.append("calls under way are bounded by a bulkhead or by a concurrency limit, not by both")
        }
        if retry != nil, safety == .unsafe, !retriesOnlyWithoutEffect {
            faults.append(
                "an unsafe operation may be retried only after attempts without effect: set retriesOnlyWithoutEffect, or "
                    + "give it an idempotency key"
            )
        }
        if staleCache != nil, safety != .safe {
            faults.append("values are kept only of an operation that is safe, not of one that is \(safety)")
        }
        if balancing != nil, breaker != nil, breakerScope == .attempt {
            faults.append(
                "one breaker that judges attempts would cut off all endpoints for what one of them does: leave that to the "
                    + "balancer, which ejects it"
            )
        }
        guard let hedging else { return faults }
        if !safety.mayBeHedged { faults.append("an operation that is \(safety) must not be hedged") }
        if let attemptTimeout, hedging.minimumDelay >= attemptTimeout {
            faults.append(
                "a hedge is never started: its least delay (\(hedging.minimumDelay)) is not shorter than the attempt "
                    + "timeout (\(attemptTimeout))"
            )
        }
        return faults
    }
}

// MARK: What needs another type

extension PipelineConfiguration {
    private var staleCache: StaleCacheConfiguration? {
        guard case .staleCache(let configuration) = fallback else { return nil }
        return configuration
    }

    /// What a ``Pipeline`` does of it.
    var inline: PipelineConfiguration {
        var inline = self
        inline.hedging = nil
        inline.fallback = nil
        inline.balancing = nil
        return inline
    }

    var fallbackIsElsewhere: String? {
        switch fallback {
        case nil: nil
        case .otherAnswer: "another answer needs a FallbackPipeline, which asks for it with each call"
        case .staleCache: "a stale cache needs a CachedPipeline, which knows what is kept"
        }
    }

    var balancingIsElsewhere: String? {
        balancing == nil ? nil : "balancing needs a BalancedPipeline, which knows the endpoints"
    }

    /// What cannot be done in the caller's task at the one place the call goes to.
    var faultsInOneTask: [String] {
        let hedged = hedging == nil ? nil : "hedging needs a ConcurrentPipeline, which may run copies of the call"
        return [hedged, balancingIsElsewhere].compactMap { $0 }
    }
}
