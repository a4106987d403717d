import Clocks

/// A breaker for each authority, made when it is first asked for, in bounded memory.
///
/// ```swift
/// let result = await breakers.breaker(for: "shipping.example:443").call { … }
/// ```
///
/// Beyond the maximum the one that was asked for longest ago makes room, but not while it matters: as long as there is
/// another, none goes that is not closed, or that somebody still holds, be it for a call under way. The maximum is kept
/// in any case.
public final class CircuitBreakerRegistry: Sendable {
    private struct State {
        var breakers: RecentlyUsed<String, CircuitBreaker>
        /// Made elsewhere, and never evicted.
        var added: [String: CircuitBreaker] = [:]
        var evicted: UInt64 = 0
    }

    /// The configuration of the breakers it makes.
    public let configuration: CircuitBreakerConfiguration

    /// The most breakers it keeps, those not counted that were added.
    public let maximum: Int
    private let time: any TimeSource
    private let random: any RandomSource
    private let observer: ResilienceObserver?
    /// One for all breakers.
    private let timer: DeadlineTimer?
    private let state: Lock<State>

    /// Creates an empty registry.
    ///
    /// - Precondition: The configuration has no ``CircuitBreakerConfiguration/faults``; `maximum` is at least 1.
    public init(
        configuration: CircuitBreakerConfiguration = CircuitBreakerConfiguration(), maximum: Int = 1000,
        time: any TimeSource, random: any RandomSource, observer: ResilienceObserver? = nil
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "circuit breakers: \(faults.joined(separator: ", "))")
        precondition(maximum >= 1, "a registry must be allowed to keep at least 1 circuit breaker")
        self.configuration = configuration
        self.maximum = maximum
        self.time = time
        self.random = random
        self.observer = observer
        timer = configuration.changesByTimer ? DeadlineTimer(time: time) : nil
        state = Lock(State(breakers: RecentlyUsed()))
    }

    /// The breaker of this authority; made now if there is none.
    ///
    /// Ask anew for each call rather than keeping it: what is kept cannot make room.
    public func breaker(for authority: String) -> CircuitBreaker {
        let (breaker, evicted) = state.withLock { state -> (CircuitBreaker, CircuitBreaker?) in
            if let breaker = state.added[authority] ?? state.breakers.use(authority) { return (breaker, nil) }
            let evicted = state.breakers.count < maximum ? nil : evict(&state)
            let breaker = CircuitBreaker(
                name: authority, configuration: configuration, time: time, random: random, observer: observer,
                timer: timer)
            state.breakers.insert(breaker, for: authority)
            return (breaker, evicted)
        }
        // Ends outside of the lock.
        _ = consume evicted
        return breaker
    }

    /// Lists and controls a breaker that was made elsewhere like its own ones. It is never evicted.
    ///
    /// - Precondition: No other breaker of that name is here.
    public func add(_ breaker: CircuitBreaker) {
        state.withLock { state in
            let isNew = state.added[breaker.name] == nil && state.breakers[breaker.name] == nil
            precondition(isNew, "there are two circuit breakers \(breaker.name)")
            state.added[breaker.name] = breaker
        }
    }

    /// The breaker of this name, if there is one; looking does not count as using.
    public func find(_ name: String) -> CircuitBreaker? {
        state.withLock { $0.added[name] ?? $0.breakers[name] }
    }

    /// What each breaker knows now, by name.
    public var snapshots: [CircuitBreakerSnapshot] {
        let all = state.withLock { Array($0.added.values) + $0.breakers.values }
        return all.map(\.snapshot).sorted { $0.name < $1.name }
    }

    /// Does what an operator wants with the breaker of this name, and says what became of it. Nil when there is none.
    @discardableResult
    public func obey(_ command: CircuitBreakerCommand, name: String) -> CircuitBreakerSnapshot? {
        guard let breaker = find(name) else { return nil }
        breaker.obey(command)
        return breaker.snapshot
    }

    /// How many breakers it has now.
    public var count: Int { state.withLock { $0.breakers.count + $0.added.count } }

    /// How many breakers have made room for others.
    public var evicted: UInt64 { state.withLock { $0.evicted } }

    private func evict(_ state: inout State) -> CircuitBreaker? {
        state.evicted += 1
        return state.breakers.removeOldest { breaker in
            isKnownUniquelyReferenced(&breaker) && breaker.state == .closed
        }
    }
}
