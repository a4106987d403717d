import Clocks
import HTTPClient
import HTTPCodec
import Resilience
import Telemetry

/// Calls one other service over HTTP: `deadline → circuit breaker → retry → attempt timeout → call`.
///
/// An attempt is repeated only when that cannot do harm: it certainly had no effect, or the request is safe or carries an
/// idempotency key. The breaker judges the call as a whole, retries included. Deadline and trace travel along.
package final class ServiceCaller: Sendable {
    /// How patient a caller is, and when it stops asking.
    package struct Configuration: Sendable {
        /// How long one attempt may take.
        package var attemptTimeout = Duration.seconds(2)
        package var retry = RetryPolicy()
        package var breaker = CircuitBreakerConfiguration()

        package init() {
            retry.backoff = .exponential(base: .milliseconds(25), factor: 2, cap: .milliseconds(500), jitter: 1)
            retry.maximumRetryAfter = .seconds(2)
            breaker.minimumCalls = 10
            // A neighbour that is back has to be noticed within seconds.
            breaker.openTime = .exponential(base: .seconds(1), factor: 2, cap: .seconds(5), jitter: 0.2)
        }
    }

    package let name: String
    /// Its state is shown in metrics under the caller's name.
    package let breaker: CircuitBreaker
    private let url: ServiceURL
    private let client: HTTPClient
    private let configuration: Configuration
    private let metrics: StandardMetrics
    private let tracer: Tracer
    private let time: any TimeSource
    private let random: any RandomSource

    init(
        _ name: String, url: ServiceURL, client: HTTPClient, configuration: Configuration, chassis: Chassis
    ) {
        self.name = name
        self.url = url
        self.client = client
        self.configuration = configuration
        metrics = chassis.metrics
        tracer = chassis.tracer
        time = chassis.time
        random = chassis.random
        let logger = chassis.logger
        breaker = CircuitBreaker(
            name: name, configuration: configuration.breaker, time: time, random: random
        ) { event in
            guard case .circuitBreakerChanged(let name, let change) = event else { return }
            logger.warning(
                "circuit breaker changed",
                [
                    "breaker": .text(name), "from": .text(change.from.label), "to": .text(change.to.label),
                    "cause": .text(change.cause.rawValue),
                ])
        }
        metrics.observeBreaker(breaker)
    }

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
        let (result, label) = await guarded(request, operation, deadline)
        metrics.callDuration.labelled(operation, label.rawValue).observe(began.duration(to: time.now))
        return try result.get()
    }

    private typealias Conclusion = (Result<HTTPClientResponse, CallError>, CallResult)

    private func guarded(
        _ request: ServiceRequest, _ operation: String, _ deadline: MonotonicInstant
    ) async -> Conclusion {
        guard time.now < deadline else {
            return (.failure(.deadlineExceeded(operation: operation, mayHaveBeenSent: false)), .timeout)
        }
        let retry = Retry(
            operation: operation, policy: configuration.retry, time: time, random: random
        ) { [metrics] event in
            guard case .retryScheduled(let operation, let attempt, _) = event else { return }
            metrics.retryAttempts.labelled(operation, String(attempt)).increment()
        }
        var mayHaveBeenSent = false
        let outcome = await Deadline.$current.withValue(Deadline(at: deadline)) {
            await breaker.call(classify: Self.health) { () async -> CallAttempt in
                await retry.call(classify: { $0.verdict(request) }) { _ async -> CallAttempt in
                    let attempt = await once(request, operation, deadline)
                    if attempt.mayHaveHadEffect(request) { mayHaveBeenSent = true }
                    return attempt
                }
            }
        }
        switch outcome {
        case .success(let attempt):
            return conclude(attempt, operation, deadline, mayHaveBeenSent: mayHaveBeenSent)
        case .rejected(let rejection):
            return (.failure(.unavailable(operation: operation, detail: rejection.description)), .rejected)
        }
    }

    private static func health(_ result: Result<CallAttempt, Never>) -> CallOutcome {
        result.get().health
    }

    private func once(
        _ request: ServiceRequest, _ operation: String, _ deadline: MonotonicInstant
    ) async -> CallAttempt {
        let span = tracer.start(operation, kind: .client)
        let end = min(deadline, time.now.advanced(by: configuration.attemptTimeout))
        var outgoing = HTTPClientRequest(
            request.method, url: url.text + request.target, fields: request.fields, body: request.body)
        outgoing.fields.set(RequestTimeout.header, RequestTimeout.text(remaining: time.now.duration(to: end)))
        outgoing.fields.set("traceparent", span.context.traceparent)
        if let state = span.context.tracestate { outgoing.fields.set("tracestate", state) }
        let attempt: CallAttempt
        do throws(HTTPClientError) {
            attempt = CallAttempt(.success(try await client.execute(outgoing, deadline: end)))
        } catch {
            attempt = CallAttempt(.failure(error))
        }
        if attempt.health != .neutral { metrics.setDependency(name, isHealthy: attempt.health == .success) }
        span.end(attempt.health == .failure ? .error(attempt.detail) : .unset)
        return attempt
    }

    /// What the last attempt means to the caller, given that it or an earlier one `mayHaveBeenSent`.
    private func conclude(
        _ attempt: CallAttempt, _ operation: String, _ deadline: MonotonicInstant, mayHaveBeenSent: Bool
    ) -> Conclusion {
        switch attempt.outcome {
        case .success(let response) where attempt.isAnswer:
            return (.success(response), .success)
        case .failure(let error) where error.isCancellation:
            return (.failure(.cancelled(operation: operation)), .cancelled)
        case .failure(let error) where error.isTimeout && time.now >= deadline:
            return (.failure(.deadlineExceeded(operation: operation, mayHaveBeenSent: mayHaveBeenSent)), .timeout)
        case .success, .failure:
            let error: CallError =
                mayHaveBeenSent
                ? .outcomeUnknown(operation: operation, detail: attempt.detail)
                : .unavailable(operation: operation, detail: attempt.detail)
            return (.failure(error), .failure)
        }
    }
}
