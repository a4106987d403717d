import Clocks
import HTTPClient
import HTTPCodec
import Resilience
import Telemetry

/// Delivers batches of spans to the collector, under policies of their own: further attempts within a budget, and none while
/// the collector is away.
///
/// It does not use ``ServiceCaller``, whose attempts are spans themselves.
struct SpanDelivery: Sendable {
    private let url: String
    private let headers: [(name: String, value: String)]
    private let client: HTTPClient
    private let pipeline: Pipeline
    private let time: any TimeSource

    /// What the collector said, where it did not take the batch.
    struct Refusal: Error, CustomStringConvertible {
        var status: HTTPStatus
        var retryAfter: Duration?

        var description: String { "the collector answered \(status)" }

        /// As OTLP has it: these may be sent again, any other answer is final.
        var isPassing: Bool { [429, 502, 503, 504].contains(status.code) }
    }

    /// - Throws: `PipelineConfigurationError` when the times contradict one another.
    init(to endpoint: ServiceURL, client: HTTPClient, _ chassis: Chassis) throws(PipelineConfigurationError) {
        let settings = chassis.settings.tracing
        url = endpoint.text + "/v1/traces"
        headers = settings.headers
        self.client = client
        time = chassis.time
        // A batch that comes twice is recognised by its spans' identifiers.
        var configuration = PipelineConfiguration(safety: .idempotent)
        configuration.totalTimeout = settings.timeout
        configuration.attemptTimeout = settings.timeout / 2
        configuration.breaker = .collector
        configuration.retry = RetryPolicy()
        pipeline = try Pipeline(
            Self.dependency, configuration, breaker: chassis.circuitBreaker(Self.dependency, .collector),
            budget: chassis.retryBudgets.budget(for: Self.dependency), time: time, random: chassis.random)
    }

    static let dependency = "trace-collector"

    /// Sends one document.
    ///
    /// - Throws: ``Refusal``, `HTTPClientError` or `Rejection` when the collector has not taken it.
    func send(_ document: [UInt8]) async throws {
        var request = HTTPClientRequest(.post, url: url, fields: ["Content-Type": "application/json"], body: document)
        for (name, value) in headers { request.fields.set(name, value) }
        _ = try await pipeline.call(report: report) { [request] _ in
            let end = Deadline.current?.instant ?? time.now.advanced(by: .seconds(10))
            let response = try await client.execute(request, deadline: end)
            guard response.status.code / 100 == 2 else {
                let retryAfter = response.fields[RetryAfter.header].flatMap { RetryAfter.delay($0, now: time.wallNow) }
                throw Refusal(status: response.status, retryAfter: retryAfter)
            }
        }.get()
    }

    private func report(_ result: Result<Void, any Error>) -> CallReport {
        switch result {
        case .success: .success
        case .failure(let refusal as Refusal):
            CallReport(.failure, retry: refusal.isPassing ? .retry(after: refusal.retryAfter) : .giveUp)
        case .failure(let error as HTTPClientError):
            CallReport(
                error.isCancellation ? .neutral : .failure, retry: error.isRetriable ? .retry(after: nil) : .giveUp)
        case .failure: .standard(result)
        }
    }
}

extension CircuitBreakerConfiguration {
    /// Spans come every second: three batches in vain are enough, and a collector that is back is found within half a
    /// minute.
    fileprivate static var collector: CircuitBreakerConfiguration {
        var configuration = CircuitBreakerConfiguration()
        configuration.consecutiveFailures = 3
        configuration.openTime = .exponential(base: .seconds(1), factor: 2, cap: .seconds(30), jitter: 0.2)
        configuration.permittedProbes = 1
        configuration.probeSuccessRatio = 1
        return configuration
    }
}
