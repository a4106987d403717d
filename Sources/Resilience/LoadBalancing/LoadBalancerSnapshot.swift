import Clocks

/// What a balancer knows at one moment, for metrics and operators.
public struct LoadBalancerSnapshot<Endpoint: Hashable & Sendable>: Hashable, Sendable {
    /// One endpoint.
    public struct Entry: Hashable, Sendable {
        /// The endpoint.
        public let endpoint: Endpoint

        /// What the balancer does with it. One whose time is up is taken back with the next call.
        public let state: EndpointState

        /// Calls under way.
        public let inFlight: Int

        /// The part of a full share of the calls that it gets; below 1 on probation.
        public let share: Double

        /// Its smoothed latency; nil before a call has ended.
        public let latency: Duration?

        /// Ejections that are not forgiven yet.
        public let ejections: Int

        /// Its calls since the balancer has it.
        public let counts: EndpointCounts

        init(_ endpoint: Endpoint, _ host: BalancedHost, share: Double) {
            self.endpoint = endpoint
            self.share = host.isEjected ? 0 : share
            state = host.state
            inFlight = host.inFlight
            latency = host.latency.map { .nanoseconds(Int64($0)) }
            ejections = host.ejections
            counts = host.counts
        }
    }

    /// The balancer's name.
    public let name: String

    /// Whether so many are ejected that ejections are disregarded.
    public let isPanicking: Bool

    /// All endpoints.
    public let endpoints: [Entry]
}
