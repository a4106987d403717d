import Clocks

/// Spreads calls over several endpoints, and leaves out for a while those that do not work.
///
/// ```swift
/// guard case .leased(let lease) = balancer.pick() else { … }
/// let result = await client.send(request, to: lease.endpoint)
/// lease.finish(CallOutcome.standard(result))
/// ```
///
/// The one with fewer of our calls under way, of two drawn at random, gets the call. An endpoint is ejected after
/// failures in a row, or when in an interval its success rate is an outlier; for a time that grows from ejection to
/// ejection, and never so many that the rest would not bear the load. It comes back on probation, with few calls at
/// first. A retry or hedge names the endpoints it has tried, and gets another where there is one.
///
/// All methods are safe to call from anywhere; none suspends or blocks beyond a short lock.
public final class LoadBalancer<Endpoint: Hashable & Sendable>: Sendable {
    private struct State {
        var machine: LoadBalancerMachine
        /// In the order of the machine's places.
        var endpoints: [Endpoint]
    }

    /// Who it is, for events and refusals.
    public let name: String
    private let time: any TimeSource
    private let random: any RandomSource
    private let observer: ResilienceObserver?
    private let state: Lock<State>

    /// Creates a balancer over these endpoints, all in service. One that is named twice counts once.
    ///
    /// - Precondition: The configuration has no ``LoadBalancerConfiguration/faults``.
    public init(
        name: String, endpoints: [Endpoint],
        configuration: LoadBalancerConfiguration = LoadBalancerConfiguration(), time: any TimeSource,
        random: any RandomSource, observer: ResilienceObserver? = nil
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "load balancer \(name): \(faults.joined(separator: ", "))")
        self.name = name
        self.time = time
        self.random = random
        self.observer = observer
        let unique = endpoints.unique
        let machine = LoadBalancerMachine(configuration, count: unique.count, seed: random.next(), now: time.now)
        state = Lock(State(machine: machine, endpoints: unique))
    }

    /// Chooses an endpoint for one call; another than those tried before, where there is one in service.
    ///
    /// Allocates nothing for a first try.
    #if compiler(>=6.3)
        @specialized(where Endpoint == String)
    #endif
    public func pick(excluding tried: [Endpoint] = []) -> LoadBalancerChoice<Endpoint> {
        let now = time.now
        var changes: [LoadBalancerMachine.Change] = []
        var named: [Endpoint] = []
        let choice = state.withLock { state -> (ticket: LoadBalancerMachine.Ticket, endpoint: Endpoint)? in
            let excluded = tried.isEmpty ? [] : tried.compactMap { state.endpoints.firstIndex(of: $0) }
            let ticket = state.machine.pick(excluding: excluded, now: now, jitter: random, changes: &changes)
            if !changes.isEmpty { named = state.endpoints }
            return ticket.map { ($0, state.endpoints[$0.index]) }
        }
        if !changes.isEmpty { report(changes, named) }
        if let choice {
            return .leased(LoadBalancerLease(endpoint: choice.endpoint, balancer: self, ticket: choice.ticket))
        }
        let rejection = Rejection.noEndpoint(balancer: name)
        observer?(.rejected(rejection))
        return .rejected(rejection)
    }

    /// Makes a call to an endpoint, and takes its result into account.
    ///
    /// - Parameters:
    ///   - tried: The endpoints tried before.
    ///   - isolation: The caller's isolation, which the call keeps.
    ///   - classify: What a result says about the endpoint. The default takes errors as failures and cancellation as
    ///     neutral.
    ///   - body: The call.
    public func call<Value, Failure: Error>(
        excluding tried: [Endpoint] = [], isolation: isolated (any Actor)? = #isolation,
        classify: (Result<Value, Failure>) -> CallOutcome = CallOutcome.standard,
        _ body: (Endpoint) async throws(Failure) -> Value
    ) async -> Guarded<Value, Failure> {
        switch pick(excluding: tried) {
        case .rejected(let rejection):
            return .rejected(rejection)
        case .leased(let lease):
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try await body(lease.endpoint))
            } catch {
                result = .failure(error)
            }
            lease.finish(classify(result))
            return Guarded(result)
        }
    }

    /// Calls these endpoints from now on. Those that were there before keep their state, new ones begin on probation;
    /// results of calls to those that are gone are ignored.
    public func setEndpoints(_ endpoints: [Endpoint]) {
        let now = time.now
        let unique = endpoints.unique
        var changes: [LoadBalancerMachine.Change] = []
        state.withLock { state in
            let places = unique.map { state.endpoints.firstIndex(of: $0) }
            state.machine.replace(places, now: now, changes: &changes)
            state.endpoints = unique
        }
        report(changes, unique)
    }

    /// The figures now.
    public var snapshot: LoadBalancerSnapshot<Endpoint> {
        let now = time.now
        return state.withLock { state in
            LoadBalancerSnapshot(
                name: name, isPanicking: state.machine.isPanicking,
                endpoints: zip(state.endpoints, state.machine.hosts).enumerated().map { index, pair in
                    LoadBalancerSnapshot.Entry(pair.0, pair.1, share: state.machine.share(index, now: now))
                })
        }
    }

    #if compiler(>=6.3)
        @specialized(where Endpoint == String)
    #endif
    fileprivate func finish(_ ticket: LoadBalancerMachine.Ticket, _ outcome: CallOutcome) {
        let now = time.now
        var changes: [LoadBalancerMachine.Change] = []
        var named: [Endpoint] = []
        state.withLock { state in
            _ = state.machine.finish(ticket, outcome, now: now, jitter: random, changes: &changes)
            if !changes.isEmpty { named = state.endpoints }
        }
        if !changes.isEmpty { report(changes, named) }
    }

    private func report(_ changes: [LoadBalancerMachine.Change], _ endpoints: [Endpoint]) {
        guard let observer else { return }
        for change in changes {
            switch change {
            case .ejected(let index, let reason, let time):
                let endpoint = String(describing: endpoints[index])
                observer(.endpointEjected(balancer: name, endpoint: endpoint, reason: reason.rawValue, time: time))
            case .returned(let index):
                observer(.endpointReturned(balancer: name, endpoint: String(describing: endpoints[index])))
            }
        }
    }
}

/// A balancer's answer to a call that wants to be made.
public enum LoadBalancerChoice<Endpoint: Hashable & Sendable>: ~Copyable, Sendable {
    /// The call may be made to the lease's endpoint.
    case leased(LoadBalancerLease<Endpoint>)

    /// There is no endpoint.
    case rejected(Rejection)
}

/// One call to one endpoint. It cannot be copied and finishing consumes it, so a result is given once; one that is
/// dropped is neutral.
public struct LoadBalancerLease<Endpoint: Hashable & Sendable>: ~Copyable, Sendable {
    /// Where the call goes.
    public let endpoint: Endpoint
    private let balancer: LoadBalancer<Endpoint>
    private let ticket: LoadBalancerMachine.Ticket
    private var isFinished = false

    fileprivate init(endpoint: Endpoint, balancer: LoadBalancer<Endpoint>, ticket: LoadBalancerMachine.Ticket) {
        self.endpoint = endpoint
        self.balancer = balancer
        self.ticket = ticket
    }

    /// Tells the balancer what came of the call, which has taken the time since it was picked.
    public consuming func finish(_ outcome: CallOutcome) {
        isFinished = true
        balancer.finish(ticket, outcome)
    }

    deinit {
        if !isFinished { balancer.finish(ticket, .neutral) }
    }
}

extension Array where Element: Hashable {
    /// Without repetitions, in the order of first mention.
    fileprivate var unique: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
