import Clocks
import HTTPClient
import HTTPCodec
import Telemetry

/// Calls one other service over HTTP, within a deadline that travels along.
///
/// An attempt is repeated only when that cannot do harm: it certainly had no effect, or the request is safe or carries an
/// idempotency key. Retries wait a little and at random, never past the deadline.
package final class ServiceCaller: Sendable {
    /// How patient a caller is.
    package struct Configuration: Sendable {
        /// How long one attempt may take.
        package var attemptTimeout = Duration.seconds(2)
        /// The first attempt included.
        package var attempts = 3
        /// The wait before the second attempt is at most this, then twice that, up to `longestPause`.
        package var firstPause = Duration.milliseconds(25)
        package var longestPause = Duration.milliseconds(500)

        package init() {}
    }

    /// A request to the service.
    package struct Request: Sendable {
        package var method: HTTPMethod
        /// Path and query, percent-encoded, beginning with a slash.
        package var target: String
        package var fields: HTTPFields
        package var body: [UInt8]?

        package init(
            _ method: HTTPMethod = .get, _ target: String, fields: HTTPFields = [:], body: [UInt8]? = nil
        ) {
            self.method = method
            self.target = target
            self.fields = fields
            self.body = body
        }

        /// Whether it only asks, so that it has no effect however often it is sent.
        var isSafe: Bool { method == .get || method == .head || method == .options }

        /// Whether doing it twice is the same as doing it once.
        var isRepeatable: Bool {
            isSafe || method == .put || method == .delete || fields.contains(IdempotencyKey.header)
        }
    }

    package let name: String
    private let url: ServiceURL
    private let client: HTTPClient
    private let configuration: Configuration
    private let metrics: CallMetrics
    private let standard: StandardMetrics
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
        metrics = CallMetrics(service: chassis.service, registry: chassis.metrics.registry)
        standard = chassis.metrics
        tracer = chassis.tracer
        time = chassis.time
        random = chassis.random
    }

    /// The service's answer, whatever its status below 500; 429 and 5xx count as failures.
    ///
    /// The deadline is the earlier of `deadline` and the one of the request being handled; what remains of it is sent
    /// along. Cancelling the task ends the call.
    /// - Throws: ``CallError``, which says whether the service may have done something.
    package func send(
        _ request: Request, operation: String, deadline: MonotonicInstant
    ) async throws(CallError) -> HTTPClientResponse {
        let began = time.now
        let deadline = RequestDeadline.earliest(deadline)
        let result: Result<HTTPClientResponse, CallError>
        do {
            result = .success(try await attempt(request, operation, deadline))
        } catch {
            result = .failure(error)
        }
        metrics.callDuration.labelled(operation, Self.label(result).rawValue).observe(began.duration(to: time.now))
        return try result.get()
    }

    private func attempt(
        _ request: Request, _ operation: String, _ deadline: MonotonicInstant
    ) async throws(CallError) -> HTTPClientResponse {
        var mayHaveBeenSent = false
        var number = 1
        while true {
            guard time.now < deadline else {
                throw .deadlineExceeded(operation: operation, mayHaveBeenSent: mayHaveBeenSent)
            }
            let attempt = await once(request, operation, deadline)
            if let isHealthy = attempt.isHealthy { standard.setDependency(name, isHealthy: isHealthy) }
            if attempt.verdict == .outcomeUnknown, !request.isSafe { mayHaveBeenSent = true }
            let mayRepeat =
                attempt.verdict == .hadNoEffect || (attempt.verdict == .outcomeUnknown && request.isRepeatable)
            let pause = max(pause(before: number + 1), attempt.retryAfter ?? .zero)
            let isLast = number >= configuration.attempts || time.now.advanced(by: pause) >= deadline
            guard mayRepeat, !isLast, (try? await time.sleep(for: pause)) != nil else {
                return try conclude(attempt, request, operation, deadline, mayHaveBeenSent: mayHaveBeenSent)
            }
            number += 1
            metrics.retryAttempts.labelled(operation, String(number)).increment()
        }
    }

    private func once(
        _ request: Request, _ operation: String, _ deadline: MonotonicInstant
    ) async -> CallAttempt {
        let span = tracer.start(operation, kind: .client)
        let end = min(deadline, time.now.advanced(by: configuration.attemptTimeout))
        var outgoing = HTTPClientRequest(
            request.method, url: url.text + request.target, fields: request.fields, body: request.body)
        outgoing.fields.set(RequestTimeout.header, RequestTimeout.text(remaining: time.now.duration(to: end)))
        outgoing.fields.set("traceparent", span.context.traceparent)
        if let state = span.context.tracestate { outgoing.fields.set("tracestate", state) }
        do {
            let response = try await client.execute(outgoing, deadline: end)
            span.end(response.status.code >= 500 ? .error(response.status.description) : .unset)
            return CallAttempt(outcome: .success(response))
        } catch {
            span.end(.error(error.description))
            return CallAttempt(outcome: .failure(error))
        }
    }

    /// What the last attempt means to the caller, given that an earlier one `mayHaveBeenSent`.
    private func conclude(
        _ attempt: CallAttempt, _ request: Request, _ operation: String, _ deadline: MonotonicInstant,
        mayHaveBeenSent: Bool
    ) throws(CallError) -> HTTPClientResponse {
        let detail: String
        switch attempt.outcome {
        case .success(let response):
            guard attempt.verdict != .answered else { return response }
            detail = "answered \(response.status)"
        case .failure(let error):
            let mayHaveBeenSent = mayHaveBeenSent || (error.sent == .unknown && !request.isSafe)
            if error.isCancellation { throw .cancelled(operation: operation) }
            if error.isTimeout, time.now >= deadline {
                throw .deadlineExceeded(operation: operation, mayHaveBeenSent: mayHaveBeenSent)
            }
            detail = error.description
        }
        if mayHaveBeenSent { throw .outcomeUnknown(operation: operation, detail: detail) }
        throw .unavailable(operation: operation, detail: detail)
    }

    /// Anything up to the pause's limit, which doubles with each attempt: callers that failed together come back apart.
    private func pause(before attempt: Int) -> Duration {
        let doubled = configuration.firstPause * (1 << min(attempt - 2, 16))
        return random.nextDuration(upTo: min(doubled, configuration.longestPause))
    }

    private static func label(_ result: Result<HTTPClientResponse, CallError>) -> CallMetrics.Result {
        switch result {
        case .success: .success
        case .failure(.unavailable), .failure(.outcomeUnknown): .failure
        case .failure(.deadlineExceeded): .timeout
        case .failure(.cancelled): .cancelled
        }
    }
}
