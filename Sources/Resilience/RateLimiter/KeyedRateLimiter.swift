import Clocks

/// A bucket of its own for each key (a client, a tenant, an address), in bounded memory.
///
/// It holds at most ``maximumKeys`` buckets. When one more key comes, a bucket goes that is full and was not used for
/// long, of which nothing is forgotten. Only if none of the eight least recently used is full, the least recently used
/// goes early, and its key gains what the bucket lacked: **at most one burst**. To gain it again, the key has to be
/// pushed out again, for which at least `maximumKeys − 8` other keys must have come in between. So choose `maximumKeys`
/// well above the number of clients active within the time a burst takes to come back, and watch
/// ``Snapshot/earlyEvictions``.
public final class KeyedRateLimiter<Key: Hashable & Sendable>: Sendable {
    /// A moment's figures.
    public struct Snapshot: Hashable, Sendable {
        /// Buckets held.
        public let keys: Int
        /// Refusals since the limiter was made.
        public let rejected: UInt64
        /// Full buckets that went for new keys.
        public let idleEvictions: UInt64
        /// Buckets that went before they were full: above zero the limiter is too small for its clients.
        public let earlyEvictions: UInt64
    }

    private struct State {
        var table: RateTable<Key>
        var rejected: UInt64 = 0
    }

    /// Who it is, for events and refusals.
    public let name: String

    /// What is allowed to each key.
    public let limit: RateLimit

    /// The most buckets held.
    public let maximumKeys: Int
    private let rate: CellRate
    private let time: any TimeSource
    private let observer: ResilienceObserver?
    private let state: Lock<State>

    /// Creates a limiter that knows no key yet.
    ///
    /// - Precondition: The limit has no ``RateLimit/faults``, and `maximumKeys` is from 1 to 2³¹ − 1.
    public init(
        name: String, limit: RateLimit, maximumKeys: Int = 10_000, time: any TimeSource,
        observer: ResilienceObserver? = nil
    ) {
        let faults = limit.faults
        precondition(faults.isEmpty, "rate limiter \(name): \(faults.joined(separator: ", "))")
        precondition((1...Int(Int32.max)).contains(maximumKeys), "rate limiter \(name) must hold at least 1 key")
        self.name = name
        self.limit = limit
        self.maximumKeys = maximumKeys
        self.time = time
        self.observer = observer
        rate = CellRate(limit)
        state = Lock(State(table: RateTable(rate: rate, maximumKeys: maximumKeys)))
    }

    /// Takes this many permits of the key's bucket if they are there, and does not wait.
    ///
    /// A cost above the burst counts as the burst. Allocates only for a key that is new.
    /// - Precondition: `cost` is positive.
    #if compiler(>=6.3)
        // Three times as fast as the unspecialized one, for the kind of key that all our limiters have.
        @specialized(where Key == String)
    #endif
    public func tryAcquire(_ key: Key, cost: Int = 1) -> RateDecision {
        let ticks = rate.ticks(ofCost: cost)
        let now = rate.ticks(time.now)
        let decision = state.withLock { state in
            let decision = state.table.take(ticks, for: key, now: now)
            if !decision.isAllowed { state.rejected += 1 }
            return decision
        }
        if case .rejected(_, let retryAfter) = decision {
            observer?(.rejected(.rateLimited(limiter: name, retryAfter: retryAfter)))
        }
        return decision
    }

    /// What is left of the key's bucket now; a key that is not known has a full one.
    public func quota(of key: Key) -> RateQuota {
        let now = rate.ticks(time.now)
        return RateQuota(rate, backlog: state.withLock { $0.table.backlog(of: key, now: now) })
    }

    /// The figures now.
    public var snapshot: Snapshot {
        state.withLock { state in
            Snapshot(
                keys: state.table.count, rejected: state.rejected, idleEvictions: state.table.evictions.idle,
                earlyEvictions: state.table.evictions.early)
        }
    }
}
