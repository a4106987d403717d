import Clocks
import HTTPClient
import HTTPCodec
import Resilience
import Telemetry
import TestSupport
import Testing

@testable import ServiceChassis

/// A caller and what it needs, on a clock moved by hand: sockets are real, and no time passes but the test's.
struct CallBench: Sendable {
    let time: TestTime
    let caller: ServiceCaller
    let budget: RetryBudget
    private let registry: MetricsRegistry

    /// Runs the neighbours and a caller of theirs. Retries follow at once unless the configuration says otherwise.
    static func with(
        _ neighbours: [Neighbour], away: [Neighbour] = [], _ configuration: ServiceCaller.Configuration = .prompt,
        _ body: (CallBench) async throws -> Void
    ) async throws {
        let time = try #require((neighbours + away).first).time
        for neighbour in neighbours { try neighbour.comeBack() }
        for neighbour in away { try neighbour.bind() }
        var reader = SettingsReader(SettingsSources(environment: ["AUTH": "off"]))
        let registry = MetricsRegistry()
        let chassis = Chassis(
            service: "asking-service", settings: ChassisSettings(reading: &reader), time: time,
            random: SeededRandom(seed: 7), logger: .silent, registry: registry)
        let calls = chassis.outgoingCalls()
        let urls = try (neighbours + away).map { try #require(ServiceURL($0.url)) }
        let caller = try calls.caller("asked-service", urls, configuration: configuration)
        let bench = CallBench(
            time: time, caller: caller, budget: chassis.retryBudgets.budget(for: "asked-service"), registry: registry)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(bench)) } catch { outcome = .failure(error) }
        let life = ServiceLife()
        life.stop()
        try await calls.part.run(life)
        for neighbour in neighbours + away { try await neighbour.stop() }
        try outcome.get()
    }

    /// What came of a call.
    enum Outcome: Hashable, Sendable {
        case answered(Int)
        case failed(CallError)

        /// The case and nothing of its contents.
        var kind: String {
            switch self {
            case .answered(let status): String(status)
            case .failed(.unavailable): "unavailable"
            case .failed(.refused): "refused"
            case .failed(.outcomeUnknown): "outcome-unknown"
            case .failed(.deadlineExceeded): "deadline-exceeded"
            case .failed(.cancelled): "cancelled"
            }
        }

        var error: CallError? {
            if case .failed(let error) = self { error } else { nil }
        }

        /// `Retry-After` of the answer that the caller's own client is given.
        var retryAfter: String? { error?.problem.response().fields["Retry-After"] }
    }

    /// Sends a request as the operation `do`.
    func send(_ request: ServiceRequest, within patience: Duration = .seconds(20)) async -> Outcome {
        do throws(CallError) {
            let response = try await caller.send(request, operation: "do", deadline: time.now.advanced(by: patience))
            return .answered(response.status.code)
        } catch {
            return .failed(error)
        }
    }

    /// The value of a series of this service; 0 when there is none.
    func metric(_ name: String, _ labels: String = "") -> Double {
        let prefix = "\(name){service=\"asking-service\"\(labels.isEmpty ? "" : "," + labels)} "
        let lines = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix(prefix) }.flatMap { Double($0.dropFirst(prefix.count)) } ?? 0
    }

    /// Calls that ended so, by the histogram that all calls are in.
    func calls(_ result: CallResult) -> Double {
        metric("service_call_duration_seconds_count", "operation=\"do\",result=\"\(result.rawValue)\"")
    }

    /// Attempts with this number.
    func attempts(_ number: Int) -> Double {
        metric("retry_attempts_total", "operation=\"do\",attempt=\"\(number)\"")
    }

    var suppressed: Double { metric("retries_suppressed_total", "operation=\"do\"") }

    func hedges(_ event: String) -> Double { metric("hedges_total", "operation=\"do\",event=\"\(event)\"") }

    /// 0 closed, 1 open, 2 half-open.
    var breakerState: Double { metric("circuit_breaker_state", "circuit_breaker=\"asked-service\"") }

    func breaker(_ state: String, _ result: String) -> Double {
        metric(
            "circuit_breaker_requests_total",
            "circuit_breaker=\"asked-service\",state=\"\(state)\",result=\"\(result)\"")
    }

    var isHealthy: Bool { metric("dependency_health_status", "dependency=\"asked-service\"") == 1 }

    /// Moves the clock to whatever is slept for next, for as long as the body runs: waits are kept and cost no time.
    func keepingWaits<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        let mover = Task { while true { time.advance(to: try await time.nextTimerScheduled()) } }
        defer { mover.cancel() }
        return try await body()
    }

    /// Uses up what further calls could be paid from.
    func emptyBudget() {
        while budget.withdraw() {}
    }

    /// Returns once a condition holds that nothing tells of.
    func eventually(_ condition: () -> Bool) async {
        let end = SystemTime().now.advanced(by: .seconds(20))
        while !condition(), SystemTime().now < end { await Task.yield() }
        #expect(condition())
    }
}

extension ServiceCaller.Configuration {
    /// The standard one, without pauses between attempts.
    static var prompt: ServiceCaller.Configuration {
        var configuration = ServiceCaller.Configuration()
        configuration.retry.backoff = .exponential(base: .zero, factor: 1, cap: .zero, jitter: 0)
        return configuration
    }
}

extension ServiceRequest {
    static let get = ServiceRequest(.get, "/v1/thing")
    static let post = ServiceRequest(.post, "/v1/things", body: Array("{}".utf8))
    static let keyedPost = ServiceRequest(
        .post, "/v1/things", fields: ["Idempotency-Key": "key-1"], body: Array("{}".utf8))
}
