import Resilience

extension ServiceCaller {
    /// How patient a caller is, and when it stops asking.
    package struct Configuration: Sendable {
        /// How long a call may take, its repeats included, where its callers have one answer to that; checked against the
        /// other times at the start.
        package var totalTimeout: Duration?
        /// How long one attempt may take.
        package var attemptTimeout = Duration.seconds(2)
        package var retry = RetryPolicy()
        package var breaker = CircuitBreakerConfiguration()
        /// How many calls are under way for each endpoint, so that one slow neighbour cannot take all there is: as many as
        /// the HTTP client has connections for, so that no call ages in its queue.
        package var bulkhead = Bulkhead.Configuration()
        /// When a request that only asks is sent a second time beside a slow first; nil for never.
        package var hedging: HedgeConfiguration?
        /// How calls are spread where the service has several endpoints.
        package var balancing = LoadBalancerConfiguration()
        /// Whether the service is bound to our contract, by which a 503 says whether something was done. False for what
        /// others run: there a 503 that does not say so in our words leaves it open.
        package var trustsContract = true

        package init() {
            retry.backoff = .exponential(base: .milliseconds(25), factor: 2, cap: .milliseconds(500), jitter: 1)
            retry.maximumRetryAfter = .seconds(2)
            breaker.minimumCalls = 10
            // A neighbour that is back has to be noticed within seconds.
            breaker.openTime = .exponential(base: .seconds(1), factor: 2, cap: .seconds(5), jitter: 0.2)
            bulkhead.limit = 32
            bulkhead.queueLimit = 512
            balancing.ejectionTime = .exponential(base: .seconds(2), factor: 2, cap: .seconds(30), jitter: 0.2)
        }

        /// An attempt that had less time than this was not given a chance, when time is all that it ran out of.
        var leastFairTime: Duration { attemptTimeout / 4 }

        /// The policies around a request of this safety.
        func pipeline(_ safety: CallSafety) -> PipelineConfiguration {
            var pipeline = PipelineConfiguration(safety: safety)
            pipeline.totalTimeout = totalTimeout
            pipeline.attemptTimeout = attemptTimeout
            pipeline.retry = retry
            pipeline.retriesOnlyWithoutEffect = safety == .unsafe
            pipeline.breaker = breaker
            pipeline.bulkhead = bulkhead
            pipeline.hedging = safety == .safe ? hedging : nil
            pipeline.balancing = balancing
            return pipeline
        }
    }
}
