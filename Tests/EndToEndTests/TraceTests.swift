import Clocks
import HTTPClient
import HTTPCodec
import HTTPServer
import JSON
import LocalStack
import Synchronization
import TestSupport
import Testing

/// One trace tells of an order, from its request through all services and back.
@Suite("The trace of an order", .serialized, .timeLimit(.minutes(5)))
struct TraceTests {
    /// A trace collector.
    private final class Collector: Sendable {
        private let documents = Mutex<[[UInt8]]>([])

        func take(_ request: HTTPRequest) -> HTTPResponse {
            let isExport = request.method == .post && request.target == "/v1/traces"
            guard isExport else { return HTTPResponse(status: .notFound) }
            documents.withLock { $0.append(request.body) }
            return .json(Array("{}".utf8))
        }

        /// The spans of a trace; throws when anything that arrived is no OTLP.
        func spans(of trace: String) throws -> [ExportedSpan] {
            try documents.withLock { $0 }.flatMap { try ExportedSpans.read($0) }.filter { $0.traceID == trace }
        }
    }

    private static let steps = ["reserve-stock", "charge-payment", "book-shipment", "commit-stock"]
    private static let participants = [
        "reserve-stock": "inventory", "charge-payment": "payment", "book-shipment": "shipping",
        "commit-stock": "inventory",
    ]

    private let time = SystemTime()

    @Test(
        "one trace connects the request, the commands and the replies through all services",
        arguments: ["kafka", "http"])
    func oneTrace(channel: String) async throws {
        let collector = Collector()
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: time, handler: { collector.take($0) })
        let port = try server.listen()
        async let serving: Void = server.run()
        let stack = try await TestStack.start(environment: [
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)", "OTEL_TRACES_SAMPLER": "parentbased_always_off",
            "COMMAND_CHANNEL": channel,
        ])
        try await stack.waitUntilReady()
        let client = StackClient(stack)
        try await client.stock("LAMP", price: 1999, quantity: 10)

        let (trace, caller) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
        let body =
            #"{"customerId":"c-1","currency":"EUR","lines":[{"sku":"LAMP","quantity":1}],"payment":{"token":"tok_ok"},"shipTo":{"name":"A","street":"B 1","city":"C","postalCode":"1000","country":"DE"}}"#
        let answer = try await client.send(
            .post, stack.api(.order) + "/v1/orders", body: body,
            fields: [
                ("Idempotency-Key", "traced"), ("Prefer", "wait=25"), ("traceparent", "00-\(trace)-\(caller)-01"),
            ])
        #expect(answer.status == .ok)
        let order = try #require(try JSONDocument(parsing: answer.body).root["id"]?.string)

        let spans = try await spans(of: trace, at: collector) { spans in
            let known = Set(spans.map(\.spanID))
            return Self.steps.allSatisfy { step in spans.contains { $0.name == step } }
                && spans.allSatisfy { known.contains($0.parentID) || $0.parentID == caller }
        }
        let known = Set(spans.map(\.spanID))
        #expect(known.count == spans.count, "no identifier is used twice")
        #expect(
            Set(spans.map(\.service))
                == ["order-service", "inventory-service", "payment-service", "shipping-service"])
        for span in spans {
            #expect(known.contains(span.parentID) || span.parentID == caller, "\(span) hangs in the air")
            #expect(span.status != 2, "\(span)")
        }

        let request = try #require(spans.first { $0.kind == 2 && $0.parentID == caller })
        #expect(request.name == "/v1/orders" && request.service == "order-service")
        #expect(request.attributes["http.response.status_code"] == "200")
        let begin = try #require(spans.first { $0.name == "begin place-order" })
        #expect(begin.parentID == request.spanID && begin.attributes["holdfast.order.id"] == order)
        for name in Self.steps {
            let step = try #require(spans.first { $0.name == name })
            #expect(step.parentID == begin.spanID && step.attributes["holdfast.order.id"] == order)
            let below = Self.below(step, among: spans)
            let participant = try #require(Self.participants[name])
            if channel == "kafka" {
                #expect(Self.has(below, "order-service", "publish \(participant).commands", kind: 4))
                #expect(Self.has(below, "order-service", "process saga.replies", kind: 5))
            } else {
                #expect(Self.has(below, "order-service", "send-command", kind: 3))
                #expect(Self.has(below, "\(participant)-service", "/v1/commands", kind: 2))
            }
            #expect(Self.has(below, "\(participant)-service", "process \(participant).commands", kind: 5))
            #expect(Self.has(below, "\(participant)-service", "publish saga.replies", kind: 4))
            #expect(below.contains { $0.service == "\(participant)-service" && $0.name.hasPrefix("transaction ") })
        }

        await client.close()
        await server.drain(deadline: time.now)
        try await serving
    }

    /// The spans of the trace once those that are waited for are there, and what was on its way with them.
    private func spans(
        of trace: String, at collector: Collector, _ isComplete: ([ExportedSpan]) -> Bool
    ) async throws -> [ExportedSpan] {
        let deadline = time.now.advanced(by: .seconds(30))
        var (count, quiet) = (0, 0)
        while true {
            // What a service is not sure to have delivered it delivers again.
            let spans = Array(Set(try collector.spans(of: trace)))
            quiet = spans.count == count ? quiet + 1 : 0
            count = spans.count
            // Each service tells once a second.
            if (isComplete(spans) && quiet > 25) || time.now > deadline { return spans }
            try await time.sleep(for: .milliseconds(100))
        }
    }

    private static func has(_ spans: [ExportedSpan], _ service: String, _ name: String, kind: Int64) -> Bool {
        spans.contains { $0.service == service && $0.name == name && $0.kind == kind }
    }

    /// All that a span has led to.
    private static func below(_ span: ExportedSpan, among spans: [ExportedSpan]) -> [ExportedSpan] {
        var found: [ExportedSpan] = []
        var parents: Set<String> = [span.spanID]
        while true {
            let children = spans.filter { parents.contains($0.parentID) }
            guard !children.isEmpty else { return found }
            found += children
            parents = Set(children.map(\.spanID))
        }
    }
}
