import Clocks

/// A ``Pipeline`` whose attempts run in tasks of their own: they can be hedged, and are cancelled when their time is over.
///
/// It costs tasks and allocations where a ``Pipeline`` costs none. Use it for calls that are worth a second copy when they
/// are slow, and for calls that obey cancellation but know nothing of ``Deadline/current``.
public final class ConcurrentPipeline: Sendable {
    /// All policies but hedging, and the instances that may be shared.
    public let pipeline: Pipeline
    private let hedge: Hedge?
    private let timeout: Timeout?

    /// Creates a pipeline with policies of its own; the parameters are those of ``Pipeline``.
    ///
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the configuration.
    public convenience init(
        _ name: String, _ configuration: PipelineConfiguration, budget: RetryBudget? = nil,
        time: any TimeSource, random: any RandomSource, observer: ResilienceObserver? = nil
    ) throws(PipelineConfigurationError) {
        let found =
            configuration.faults + Self.faults(configuration, budget) + Self.faultsElsewhere(configuration)
        guard found.isEmpty else { throw PipelineConfigurationError(pipeline: name, faults: found) }
        var inline = configuration
        inline.hedging = nil
        let pipeline = try Pipeline(
            name, inline, budget: budget, time: time, random: random, observer: observer)
        self.init(pipeline, hedging: configuration.hedging)
    }

    static func faults(_ configuration: PipelineConfiguration, _ budget: RetryBudget?) -> [String] {
        configuration.hedging != nil && budget == nil ? ["hedging needs a retry budget to pay from"] : []
    }

    static func faultsElsewhere(_ configuration: PipelineConfiguration) -> [String] {
        [configuration.balancingIsElsewhere, configuration.fallbackIsElsewhere].compactMap { $0 }
    }

    init(_ pipeline: Pipeline, hedging: HedgeConfiguration?) {
        self.pipeline = pipeline
        let budget = pipeline.budget
        hedge = hedging.flatMap { hedging in
            budget.map {
                Hedge(
                    operation: pipeline.name, safety: pipeline.safety, configuration: hedging, budget: $0,
                    time: pipeline.time, observer: pipeline.observer)
            }
        }
        timeout = pipeline.attemptTimeout.map {
            Timeout(operation: pipeline.name, limit: $0, time: pipeline.time, observer: pipeline.observer)
        }
    }

    /// A pipeline for another operation of the same dependency, hedged or not; see ``Pipeline/variant(_:_:)``.
    ///
    /// - Throws: ``PipelineConfigurationError`` with everything that is wrong with the changed configuration.
    public func variant(
        _ name: String, _ change: (inout PipelineConfiguration) -> Void
    ) throws(PipelineConfigurationError) -> ConcurrentPipeline {
        try pipeline.concurrentVariant(name, change)
    }

    /// Makes the call under all policies.
    ///
    /// A call that is cancelled because its time was over is refused with ``Rejection/timedOut(operation:limit:)``; the
    /// call is waited for, so it must obey cancellation. `report` may be asked more than once about the same result.
    ///
    /// - Parameters:
    ///   - priority: How much it matters, where an adaptive limit has to choose.
    ///   - report: What a result says.
    ///   - body: One attempt, given its number from 1; copies made by hedging have the same number.
    /// - Returns: The last attempt's result, or the refusal of the policy that ended the call.
    public func call<Value: Sendable>(
        priority: CallPriority = .normal,
        report: @escaping @Sendable (Result<Value, any Error>) -> CallReport = CallReport.standard,
        _ body: @escaping @Sendable (_ attempt: Int) async throws -> Value
    ) async -> Guarded<Value, any Error> {
        let result = await pipeline.call(
            priority: priority,
            report: { (result: Result<Guarded<Value, any Error>, Never>) in Pipeline.reported(result.get(), report) },
            { (attempt) async throws(Never) -> Guarded<Value, any Error> in
                await self.copied(report) { await self.timed { try await body(attempt) } }
            })
        switch result {
        case .success(let inner): return inner
        case .rejected(let rejection): return .rejected(rejection)
        }
    }

    private func copied<Value: Sendable>(
        _ report: @escaping @Sendable (Result<Value, any Error>) -> CallReport,
        _ body: @escaping @Sendable () async -> Guarded<Value, any Error>
    ) async -> Guarded<Value, any Error> {
        guard let hedge else { return await body() }
        return await hedge.call(classify: { Pipeline.reported($0.get(), report).outcome }) { _ in await body() }
    }

    private func timed<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async -> Guarded<Value, any Error> {
        if let timeout { return await timeout.call(body) }
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
