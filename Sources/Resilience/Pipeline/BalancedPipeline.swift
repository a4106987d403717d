import Clocks

/// A pipeline in front of a dependency with several endpoints: each attempt, copies made by hedging included, goes to one of
/// them, another than those tried before where there is one.
///
/// Breaker, bulkhead, rate limit and budget are those of the dependency as a whole; what one endpoint does is the
/// balancer's to judge, by the outcome that `report` gives each attempt.
public final class BalancedPipeline<Endpoint: Hashable & Sendable>: Sendable {
    /// Chooses the endpoints; shared with all variants.
    public let balancer: LoadBalancer<Endpoint>

    /// The policies around the choice, hedging left out.
    public let pipeline: Pipeline
    private let configuration: PipelineConfiguration
    private let concurrent: ConcurrentPipeline?

    /// Creates a pipeline with policies of its own; the other parameters are those of ``Pipeline``.
    ///
    /// - Parameter endpoints: At least one.
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the configuration.
    public convenience init(
        _ name: String, endpoints: [Endpoint], _ configuration: PipelineConfiguration, breaker: CircuitBreaker? = nil,
        budget: RetryBudget? = nil, time: any TimeSource, random: any RandomSource,
        observer: ResilienceObserver? = nil
    ) throws(PipelineConfigurationError) {
        var found = Self.faults(configuration, budget)
        if endpoints.isEmpty { found.append("there is no endpoint to call") }
        guard found.isEmpty, let balancing = configuration.balancing else {
            throw PipelineConfigurationError(pipeline: name, faults: found)
        }
        let balancer = LoadBalancer(
            name: name, endpoints: endpoints, configuration: balancing, time: time, random: random, observer: observer)
        let base = try Pipeline(
            name, configuration.inline, breaker: breaker, budget: budget, time: time, random: random,
            observer: observer)
        self.init(base, configuration, balancer)
    }

    private init(_ pipeline: Pipeline, _ configuration: PipelineConfiguration, _ balancer: LoadBalancer<Endpoint>) {
        self.pipeline = pipeline
        self.configuration = configuration
        self.balancer = balancer
        concurrent = configuration.hedging.map { ConcurrentPipeline(pipeline, hedging: $0) }
    }

    private static func faults(_ configuration: PipelineConfiguration, _ budget: RetryBudget?) -> [String] {
        var found = configuration.faults + ConcurrentPipeline.faults(configuration, budget)
        if configuration.balancing == nil { found.append("a BalancedPipeline needs to know how to balance") }
        if let fault = configuration.fallbackIsElsewhere { found.append(fault) }
        return found
    }

    /// A pipeline for another operation of the same dependency, with the same endpoints; see ``Pipeline/variant(_:_:)``.
    ///
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the changed configuration.
    public func variant(
        _ name: String, _ change: (inout PipelineConfiguration) -> Void
    ) throws(PipelineConfigurationError) -> BalancedPipeline {
        var changed = configuration
        change(&changed)
        changed.balancing = configuration.balancing
        let found = Self.faults(changed, pipeline.budget)
        guard found.isEmpty else { throw PipelineConfigurationError(pipeline: name, faults: found) }
        let inline = changed.inline
        return BalancedPipeline(try pipeline.variant(name) { $0 = inline }, changed, balancer)
    }

    /// Makes the call under all policies.
    ///
    /// Without hedging its attempts run in the caller's task, and have to obey ``Deadline/current``. `report` may be asked
    /// more than once about the same result.
    ///
    /// - Parameters:
    ///   - priority: How much it matters, where an adaptive limit has to choose.
    ///   - report: What a result says: of the endpoint, and of the dependency.
    ///   - body: One attempt at an endpoint, given its number from 1.
    /// - Returns: The last attempt's result, or the refusal of the policy that ended the call.
    public func call<Value: Sendable>(
        priority: CallPriority = .normal,
        report: @escaping @Sendable (Result<Value, any Error>) -> CallReport = CallReport.standard,
        _ body: @escaping @Sendable (_ endpoint: Endpoint, _ attempt: Int) async throws -> Value
    ) async -> Guarded<Value, any Error> {
        let tried = Lock<[Endpoint]>([])
        let balancer = balancer
        let attempt: @Sendable (Int) async throws -> Value = { number in
            switch balancer.pick(excluding: tried.withLock { $0 }) {
            case .rejected(let rejection):
                throw rejection
            case .leased(let lease):
                let endpoint = lease.endpoint
                tried.withLock { $0.append(endpoint) }
                do {
                    let value = try await body(endpoint, number)
                    lease.finish(report(.success(value)).outcome)
                    return value
                } catch {
                    lease.finish(report(.failure(error)).outcome)
                    throw error
                }
            }
        }
        let result =
            if let concurrent {
                await concurrent.call(priority: priority, report: report, attempt)
            } else {
                await pipeline.call(priority: priority, report: report, attempt)
            }
        if case .failure(let error) = result, case Rejection.noEndpoint? = error as? Rejection {
            return .rejected(.noEndpoint(balancer: balancer.name))
        }
        return result
    }
}
