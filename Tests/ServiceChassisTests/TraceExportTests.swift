import Clocks
import HTTPCodec
import HTTPServer
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Spans on their way to a collector", .timeLimit(.minutes(1)))
struct TraceExportTests {
    private static let time = SystemTime()

    /// A collector that answers from a list, the last answer for ever.
    private final class Collector: Sendable {
        let requests = Mutex<[HTTPRequest]>([])
        private let answers: [(status: Int, retryAfter: String?)]

        init(_ answers: [(status: Int, retryAfter: String?)]) {
            self.answers = answers
        }

        var seen: [HTTPRequest] { requests.withLock { $0 } }

        func answer(_ request: HTTPRequest) -> HTTPResponse {
            let number = requests.withLock { requests in
                requests.append(request)
                return requests.count
            }
            let (status, retryAfter) = answers[min(number, answers.count) - 1]
            var response = HTTPResponse.json(Array("{}".utf8), status: HTTPStatus(status))
            if let retryAfter { response.fields.append("Retry-After", retryAfter) }
            return response
        }
    }

    private static func chassis(
        _ environment: [String: String], registry: MetricsRegistry = MetricsRegistry()
    ) -> Chassis {
        var reader = SettingsReader(SettingsSources(environment: environment.merging(["AUTH": "off"]) { $1 }))
        return Chassis(
            service: "telling-service", settings: ChassisSettings(reading: &reader), time: time,
            random: SeededRandom(seed: 9), logger: .silent, registry: registry)
    }

    /// Ends `spans` spans one batch after the other in a service whose collector answers so, and stops the service.
    private static func export(
        _ answers: [(status: Int, retryAfter: String?)], spans: Int = 1, environment: [String: String] = [:]
    ) async throws -> (collector: Collector, metrics: String) {
        let collector = Collector(answers)
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: time, handler: { collector.answer($0) })
        let port = try server.listen()
        async let running: Void = server.run()
        let registry = MetricsRegistry()
        let endpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)/base/"]
        let chassis = chassis(endpoint.merging(environment) { $1 }, registry: registry)
        let part = try #require(try chassis.tracingParts().first)
        let life = ServiceLife()
        for _ in 0..<spans { chassis.tracer.start("work", parent: nil).end() }
        life.stop()
        try await part.run(life)
        await server.drain(deadline: time.now)
        try await running
        return (collector, String(decoding: registry.text(), as: UTF8.self))
    }

    @Test("what the service leaves when it stops is sent, as OTLP in JSON, with the fields that were set")
    func flushed() async throws {
        let (collector, metrics) = try await Self.export(
            [(200, nil)], spans: 3,
            environment: ["OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=holdfast, authorization=Bearer%20a%2Cb"])
        let request = try #require(collector.seen.first)
        #expect(collector.seen.count == 1)
        #expect(request.method == .post && request.target == "/base/v1/traces")
        #expect(request.fields["Content-Type"] == "application/json")
        #expect(request.fields["x-tenant"] == "holdfast" && request.fields["authorization"] == "Bearer a,b")
        let spans = try ExportedSpans.read(request.body)
        #expect(spans.count == 3 && spans.allSatisfy { $0.service == "telling-service" && $0.name == "work" })
        #expect(metrics.contains("spans_exported_total{service=\"telling-service\"} 3\n"))
    }

    @Test("a collector that is overloaded is asked again", arguments: [429, 502, 503, 504])
    func again(status: Int) async throws {
        let (collector, metrics) = try await Self.export([(status, "0"), (200, nil)])
        #expect(collector.seen.count == 2)
        #expect(collector.seen.first?.body == collector.seen.last?.body)
        #expect(metrics.contains("spans_exported_total{service=\"telling-service\"} 1\n"))
    }

    @Test("what a collector refuses for good is lost, counted, and not sent again", arguments: [400, 404, 500])
    func refused(status: Int) async throws {
        let (collector, metrics) = try await Self.export([(status, nil)], spans: 2)
        #expect(collector.seen.count == 1)
        #expect(
            metrics.contains("spans_dropped_total{service=\"telling-service\",reason=\"not-delivered\"} 2\n"))
    }

    @Test("while the collector is away its breaker opens, and batches are given up at once")
    func away() async throws {
        let batches = 40
        let (collector, metrics) = try await Self.export([(500, nil)], spans: 512 * 8 + batches)
        #expect(collector.seen.count == 3, "three in a row open the breaker")
        let state = "circuit_breaker_state{service=\"telling-service\",circuit_breaker=\"trace-collector\"} 1\n"
        #expect(metrics.contains(state))
        #expect(
            metrics.contains("spans_dropped_total{service=\"telling-service\",reason=\"not-delivered\"} 4096\n"))
        #expect(
            metrics.contains("spans_dropped_total{service=\"telling-service\",reason=\"queue-full\"} \(batches)\n"))
    }

    @Test("a collector that does not answer holds the end of the service up for a quarter of the drain time at most")
    func silent() async throws {
        let (silence, end) = AsyncStream<Void>.makeStream()
        let collector = Neighbour(TestTime()) { _, _ in
            for await _ in silence {}
            return .plain(200)
        }
        try collector.comeBack()
        let chassis = Self.chassis([
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "60000", "DRAIN_SECONDS": "2",
        ])
        let part = try #require(try chassis.tracingParts().first)
        chassis.tracer.start("work", parent: nil).end()
        let life = ServiceLife()
        life.stop()
        let began = Self.time.now
        try await part.run(life)
        // Half a second on a machine that is not busy; without the bound the attempt alone would take half a minute.
        #expect(began.duration(to: Self.time.now) < .seconds(20))
        end.finish()
        try await collector.stop()
        #expect(chassis.spans?.statistics == .init(delivered: 0, dropped: 0, lost: 1))
    }

    @Test("without a collector nothing is kept, no client is made, and a caller's trace still travels")
    func unset() throws {
        let chassis = Self.chassis([:])
        #expect(chassis.spans == nil)
        #expect(try chassis.tracingParts().isEmpty)
        #expect(!chassis.tracer.isExporting)
        #expect(!chassis.tracer.start("work", parent: nil).isRecording)
    }

    @Test(
        "the sampler decides about traces that begin here",
        arguments: [("parentbased_always_on", "", true), ("parentbased_always_off", "", false)]
            + [("parentbased_traceidratio", "0", false), ("parentbased_traceidratio", "1", true)])
    func sampler(name: String, share: String, isTold: Bool) {
        let chassis = Self.chassis([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_SAMPLER": name,
            "OTEL_TRACES_SAMPLER_ARG": share,
        ])
        let root = chassis.tracer.start("root", parent: nil)
        #expect(root.isRecording == isTold)
        var caller = root.context
        caller.isSampled = !isTold
        #expect(chassis.tracer.start("child", parent: caller).isRecording != isTold, "as the caller wants it")
    }

    @Test("header fields that cannot be read stop the start", arguments: ["novalue", "a b=c", "a=%0d", "a=%zz", "=x"])
    func headers(text: String) {
        var reader = SettingsReader(SettingsSources(environment: ["OTEL_EXPORTER_OTLP_HEADERS": text]))
        _ = TracingSettings(reading: &reader)
        #expect(throws: SettingsError.self) { try reader.finish() }
    }
}
