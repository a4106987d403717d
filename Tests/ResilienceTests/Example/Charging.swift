import Clocks
import Resilience

/// Why a payment provider did not take the money.
enum ChargeError: Error {
    case declined
    case unavailable(retryAfter: Duration?)
}

/// Charges at a payment provider, which knows a repetition by its idempotency key.
struct Charging {
    let pipeline: Pipeline

    init(time: any TimeSource, random: any RandomSource, observer: ResilienceObserver? = nil) throws {
        var configuration = PipelineConfiguration(safety: .keyed)
        configuration.totalTimeout = .seconds(3)
        configuration.bulkhead = Bulkhead.Configuration()
        configuration.breaker = CircuitBreakerConfiguration()
        configuration.retry = RetryPolicy()
        configuration.attemptTimeout = .seconds(1)
        // Throws when the numbers contradict one another, and names all that do.
        pipeline = try Pipeline(
            "payment-provider", configuration, budget: RetryBudget(name: "payment-provider", time: time), time: time,
            random: random, observer: observer)
    }

    /// `send` makes one request, which ends at `Deadline.current`.
    func charge(_ send: () async throws(ChargeError) -> String) async -> String {
        let result = await pipeline.call(report: Self.report) { (_) async throws(ChargeError) in try await send() }
        switch result {
        case .success(let receipt): return "paid: \(receipt)"
        case .failure(.declined): return "declined"
        case .failure(.unavailable): return "tried, without success"
        case .rejected(let rejection): return "not tried: \(rejection)"
        }
    }

    /// A provider that declines works, and would decline again.
    private static func report(_ result: Result<String, ChargeError>) -> CallReport {
        switch result {
        case .success, .failure(.declined): .success
        case .failure(.unavailable(let retryAfter)): CallReport(.failure, retry: .retry(after: retryAfter))
        }
    }
}
