import Clocks
import HTTPClient
import HTTPCodec
import Resilience
import Telemetry

/// Calls one other service over HTTP, under all policies of a ``BalancedPipeline``: `deadline → bulkhead → circuit breaker →
/// retry → hedging → attempt timeout → endpoint → call`.
///
/// An attempt is repeated only when that cannot do harm: it certainly had no effect, or the request is safe or carries an
/// idempotency key; and only as far as the retry budget of the dependency goes, which the service's other ways of doing
/// things again draw on too. The breaker judges the call as a whole. Where the service has several endpoints each attempt
/// goes to another one, and those that do not work are left out for a while. Deadline and trace travel along.
package final class ServiceCaller: Sendable {
    package let name: String
    /// Its state is shown in metrics under the caller's name.
    package let breaker: CircuitBreaker
    /// What all that is done again for the dependency is paid from.
    package let budget: RetryBudget
    private let faults: FaultInjector
    let configuration: Configuration
    let time: any TimeSource
    private let client: HTTPClient
    private let identity: ServiceIdentity?
    private let pipelines: CallPipelines
    private let metrics: StandardMetrics
    private let logger: Logger
    private let tracer: Tracer

    /// - Parameter breakerName: that of the dependency unless given.
    /// - Throws: `PipelineConfigurationError` when the configuration contradicts itself.
    init(
        _ name: String, breakerName: String? = nil, endpoints: [ServiceURL], client: HTTPClient,
        identity: ServiceIdentity?, configuration: Configuration, chassis: Chassis
    ) throws(PipelineConfigurationError) {
        self.name = name
        var configuration = configuration
        configuration.bulkhead.limit *= max(1, endpoints.count)
        self.client = client
        self.identity = identity
        self.configuration = configuration
        faults = chassis.faults
        metrics = chassis.metrics
        tracer = chassis.tracer
        time = chassis.time
        logger = chassis.logger.with(["dependency": .text(name)])
        let observer = CallObserver(chassis.metrics, logger).observe
        breaker = chassis.circuitBreaker(breakerName ?? name, dependency: name, configuration.breaker)
        budget = chassis.retryBudgets.budget(for: name)
        pipelines = try CallPipelines(
            name, endpoints: endpoints, configuration, breaker: breaker, budget: budget, time: time,
            random: chassis.random, observer: observer)
        if let bulkhead = pipelines.bulkhead { metrics.observeBulkhead(bulkhead) }
    }

    var balancer: LoadBalancer<ServiceURL> { pipelines.balancer }

    /// The service's answer, whatever its status below 500; 429 and 5xx count as failures.
    ///
    /// The deadline is the earlier of `deadline` and the task's own; what remains of it is sent along. Cancelling the
    /// task ends the call.
    /// - Throws: ``CallError``, which says whether the service may have done something.
    package func send(
        _ request: ServiceRequest, operation: String, deadline: MonotonicInstant
    ) async throws(CallError) -> HTTPClientResponse {
        let began = time.now
        let deadline = min(deadline, Deadline.current?.instant ?? .distantFuture)
        let trail = CallTrail()
        let outcome = await Deadline.$current.withValue(Deadline(at: deadline)) {
            await guarded(request, operation, trail)
        }
        let (result, label) = CallConclusion(
            operation: operation, deadline: deadline, mayHaveHadEffect: trail.mayHaveHadEffect, now: time.now,
            wallNow: time.wallNow
        ).conclude(outcome)
        metrics.callDuration.labelled(operation, label.rawValue).observe(began.duration(to: time.now))
        return try result.get()
    }

    private func guarded(
        _ request: ServiceRequest, _ operation: String, _ trail: CallTrail
    ) async -> Guarded<CallAttempt, any Error> {
        let safety = request.safety
        let (time, trustsContract) = (time, configuration.trustsContract)
        let report: @Sendable (Result<CallAttempt, any Error>) -> CallReport = { result in
            guard case .success(let attempt) = result else { return .standard(result) }
            return attempt.report(request, trustsContract: trustsContract, now: time.wallNow)
        }
        return await pipelines.pipeline(operation, safety).call(report: report) { endpoint, _ in
            let attempt = await self.exchange(request, operation, endpoint)
            if attempt.mayHaveHadEffect(request, trustsContract: trustsContract) { trail.noteEffect() }
            return attempt
        }
    }

    private func exchange(_ request: ServiceRequest, _ operation: String, _ endpoint: ServiceURL) async -> CallAttempt {
        let span = tracer.start(operation, kind: .client)
        let began = time.now
        let end = Deadline.current?.instant ?? began.advanced(by: configuration.attemptTimeout)
        let remaining = began.duration(to: end)
        var outgoing = HTTPClientRequest(
            request.method, url: endpoint.text + request.target, fields: request.fields, body: request.body)
        outgoing.fields.set(RequestTimeout.header, RequestTimeout.text(remaining: remaining))
        outgoing.fields.set("traceparent", span.context.traceparent)
        if let state = span.context.tracestate { outgoing.fields.set("tracestate", state) }
        if let token = identity?.token { outgoing.fields.set(BearerToken.header, "Bearer " + token.reveal()) }
        let attempt = CallAttempt(
            await answer(to: outgoing, operation, by: end), wasHurried: remaining < configuration.leastFairTime)
        if attempt.isRefusalOfIdentity {
            logger.warning(
                "a call is refused for who makes it", ["operation": .text(operation), "detail": .text(attempt.detail)])
        }
        if attempt.health != .neutral { metrics.setDependency(name, isHealthy: attempt.health == .success) }
        span.end(attempt.health == .failure ? .error(attempt.detail) : .unset)
        return attempt
    }

    /// The answer, or what an injected fault wants in its place: `payment-service/read-payment` is the attempt's name in
    /// rules, and the idempotency key its key.
    private func answer(
        to request: HTTPClientRequest, _ operation: String, by end: MonotonicInstant
    ) async -> Result<HTTPClientResponse, HTTPClientError> {
        guard faults.isActive else { return await execute(request, by: end) }
        // A fault's wait is part of the attempt and ends with it.
        let result = await Deadline.$current.withValue(Deadline(at: end)) {
            await faults.call(
                "\(name)/\(operation)", key: request.fields[IdempotencyKey.header], error: FaultKind.error,
                outcome: FaultKind.answer
            ) { () async throws(HTTPClientError) in try await execute(request, by: end).get() }
        }
        switch result {
        case .success(let response): return .success(response)
        case .failure(let error): return .failure(error)
        case .rejected(let rejection): return .failure(HTTPClientError(rejection))
        }
    }

    private func execute(
        _ request: HTTPClientRequest, by end: MonotonicInstant
    ) async -> Result<HTTPClientResponse, HTTPClientError> {
        do throws(HTTPClientError) {
            return .success(try await client.execute(request, deadline: end))
        } catch {
            var error = error
            // Whoever cancels attempts whose time is over may be faster than the client's own look at the clock.
            if error.code == .cancelled, time.now >= end {
                error.code = .deadlineExceeded
                error.detail = "its time was over"
            }
            return .failure(error)
        }
    }
}
