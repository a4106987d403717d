import Clocks

/// Values from memory while they are young enough, else from their source; in bounded memory, with few fetches.
///
/// - A young value is served at once. An ageing one too, and it is fetched anew behind the scenes. An old one is fetched
///   first, and served all the same when that fails, up to an age of its own. The answer says which.
/// - However many want a value at once, it is fetched once. Several values are fetched together.
/// - What the source does not know is never remembered, and who finds that a fetch begun before they came did not know a
///   value asks again, for it may be there since.
///
/// A fetch belongs to all who wait for it: it has a deadline of its own, and goes on when one of them gives up.
public final class StaleCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// A moment's figures; what is counted is counted since the cache was made.
    public struct Snapshot: Hashable, Sendable {
        /// Values kept.
        public let count: Int
        /// Keys that are being fetched.
        public let fetching: Int
        /// Values served from memory, fresh.
        public let fresh: UInt64
        /// Values served from memory or as a last resort, stale.
        public let stale: UInt64
        /// Values that had to be waited for.
        public let missed: UInt64
        /// Fetches begun.
        public let fetches: UInt64
        /// Fetches that failed.
        public let failedFetches: UInt64
        /// Values that had to go for want of room.
        public let evicted: UInt64
    }

    struct Flight: Sendable {
        let number: UInt64
        let keys: [Key]
        let startedAt: MonotonicInstant
        let endsAt: MonotonicInstant
        let result = SharedResult<Result<[Key: Value], any Error>>()
    }

    struct State {
        var machine: StaleCacheMachine<Key, Value>
        var flights: [UInt64: Flight] = [:]
        var fresh: UInt64 = 0
        var stale: UInt64 = 0
        var missed: UInt64 = 0
        var failedFetches: UInt64 = 0
    }

    /// Brings the values of these keys; what is not there is left out.
    public typealias Fetch = @Sendable (_ keys: [Key], _ deadline: Deadline) async throws -> [Key: Value]

    /// Whose values it keeps, for events and refusals.
    public let name: String
    let configuration: StaleCacheConfiguration
    let time: any TimeSource
    let timer: DeadlineTimer
    let observer: ResilienceObserver?
    let state: Lock<State>
    private let timeout: Timeout
    private let fetch: Fetch

    /// Creates an empty cache.
    ///
    /// `fetch` is called in a task of its own, whose deadline it is also given; it must obey cancellation.
    /// - Precondition: The configuration has no ``StaleCacheConfiguration/faults``.
    public init(
        name: String, configuration: StaleCacheConfiguration = StaleCacheConfiguration(), time: any TimeSource,
        observer: ResilienceObserver? = nil, fetch: @escaping Fetch
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "cache of \(name): \(faults.joined(separator: ", "))")
        self.name = name
        self.configuration = configuration
        self.time = time
        self.observer = observer
        self.fetch = fetch
        timer = DeadlineTimer(time: time)
        timeout = Timeout(operation: name, limit: configuration.fetchTimeout, time: time, observer: observer)
        state = Lock(State(machine: StaleCacheMachine(configuration)))
    }

    /// The value of the key; nil when the source does not know it. See ``values(for:)``.
    public func value(
        for key: Key, isolation: isolated (any Actor)? = #isolation
    ) async throws -> Cached<Value>? {
        try await values(for: [key])[key]
    }

    /// The figures now.
    public var snapshot: Snapshot {
        state.withLock { state in
            Snapshot(
                count: state.machine.count, fetching: state.machine.fetching, fresh: state.fresh, stale: state.stale,
                missed: state.missed, fetches: state.machine.begun, failedFetches: state.failedFetches,
                evicted: state.machine.evicted)
        }
    }

    /// Fetches in a task of its own; the task-locals of whoever began it go along, but not the deadline.
    func launch(_ flight: Flight) {
        let deadline = Deadline(at: flight.endsAt)
        Task { [self, timeout, fetch] in
            let answer = await Deadline.$current.withValue(deadline) {
                await timeout.call { try await fetch(flight.keys, deadline) }
            }
            let result = Result { try answer.get() }
            let now = time.now
            state.withLock { state in
                switch result {
                case .success(let values):
                    state.machine.land(flight.number, flight.keys, values, startedAt: flight.startedAt)
                case .failure:
                    state.machine.fail(flight.number, flight.keys, now: now)
                    state.failedFetches += 1
                }
                state.flights[flight.number] = nil
            }
            flight.result.resolve(result)
        }
    }
}
