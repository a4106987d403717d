import Clocks
import Resilience
import Synchronization

/// The pipelines of one dependency, by operation and safety: they share its breaker, bulkhead and budget.
///
/// Operations are names in our own code, so there are few.
final class CallPipelines: Sendable {
    private struct Key: Hashable {
        var operation: String
        var safety: CallSafety
    }

    private let configuration: ServiceCaller.Configuration
    private let base: BalancedPipeline<ServiceURL>
    private let made = Mutex<[Key: BalancedPipeline<ServiceURL>]>([:])

    /// - Throws: ``PipelineConfigurationError`` when the configuration contradicts itself for a request of any safety.
    init(
        _ name: String, endpoints: [ServiceURL], _ configuration: ServiceCaller.Configuration, breaker: CircuitBreaker,
        budget: RetryBudget, time: any TimeSource, random: any RandomSource, observer: @escaping ResilienceObserver
    ) throws(PipelineConfigurationError) {
        self.configuration = configuration
        base = try BalancedPipeline(
            name, endpoints: endpoints, configuration.pipeline(.unsafe), breaker: breaker, budget: budget, time: time,
            random: random, observer: observer)
        // What cannot be put together is found at the start, not by the first call.
        for safety in CallSafety.allCases {
            _ = try base.variant(name) { $0 = configuration.pipeline(safety) }
        }
    }

    /// What all of them share.
    var bulkhead: Bulkhead? { base.pipeline.bulkhead }
    var balancer: LoadBalancer<ServiceURL> { base.balancer }

    func pipeline(_ operation: String, _ safety: CallSafety) -> BalancedPipeline<ServiceURL> {
        made.withLock { made in
            Self.find(Key(operation: operation, safety: safety), in: &made) { () throws(PipelineConfigurationError) in
                try base.variant(operation) { $0 = configuration.pipeline(safety) }
            }
        }
    }

    private static func find<Made>(
        _ key: Key, in made: inout [Key: Made], _ make: () throws(PipelineConfigurationError) -> Made
    ) -> Made {
        if let known = made[key] { return known }
        do throws(PipelineConfigurationError) {
            let new = try make()
            made[key] = new
            return new
        } catch {
            preconditionFailure("a configuration that was sound for every safety is not for \(key): \(error)")
        }
    }
}
