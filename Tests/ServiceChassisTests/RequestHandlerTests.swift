import Clocks
import HTTPCodec
import JSON
import Resilience
import ServiceChassis
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("Request handler")
struct RequestHandlerTests {
    struct Surprise: Error {
        var secret = "the database password"
    }

    static func handler(
        waits: Bool = false, time: any TimeSource = TestTime(), registry: MetricsRegistry = MetricsRegistry(),
        _ body: @escaping Router.Handler
    ) -> RequestHandler {
        var router = Router()
        router.get("/v1/things/{id}", access: .everyone, waits: waits, body)
        return .test(router, time: time, registry: registry)
    }

    @Test("a problem that a handler throws is the answer")
    func problem() async {
        let handler = Self.handler { _ in throw ProblemDetails(.cancellationRefused) }
        let response = await handler.send(.get, "/v1/things/1")
        #expect(response.status == .conflict)
        #expect(response.slug == "cancellation-refused")
    }

    @Test("an error nobody foresaw is 500 and leaks nothing")
    func surprise() async {
        let response = await Self.handler { _ in throw Surprise() }.send(.get, "/v1/things/1")
        #expect(response.status == .internalServerError)
        #expect(response.slug == "internal")
        #expect(!response.text.contains("password"))
    }

    @Test("an abandoned request has an unknown outcome and says when to come back")
    func cancelled() async {
        let response = await Self.handler { _ in throw CancellationError() }.send(.get, "/v1/things/1")
        #expect(response.slug == "outcome-unknown")
        #expect(response.fields["Retry-After"] == "1")
    }

    @Test(
        "the deadline is the standard one, shortened by Request-Timeout, lengthened by the wait that is honoured",
        arguments: [
            ([:], 10_000), (["Request-Timeout": "2.5"], 2500), (["Request-Timeout": "60"], 10_000),
            (["Prefer": "wait=30"], 40_000), (["Prefer": "wait=30", "Request-Timeout": "5"], 5000),
            (["Prefer": "nonsense"], 10_000),
        ] as [(HTTPFields, Int64)])
    func deadline(fields: HTTPFields, milliseconds: Int64) async {
        let time = TestTime()
        let expected = time.now.advanced(by: .milliseconds(milliseconds))
        let handler = Self.handler(waits: true, time: time) { context in
            #expect(context.deadline == expected)
            #expect(Deadline.current?.instant == expected)
            return HTTPResponse(status: .ok)
        }
        #expect(await handler.send(.get, "/v1/things/1", fields).status == .ok)
    }

    @Test("a route that does not wait ignores Prefer")
    func noWait() async {
        let handler = Self.handler { context in
            #expect(context.wait == nil)
            return HTTPResponse(status: .ok)
        }
        #expect(await handler.send(.get, "/v1/things/1", ["Prefer": "wait=30"]).status == .ok)
    }

    @Test("no time at all is 504, a header that cannot be read 400")
    func timeouts() async {
        let handler = Self.handler { _ in HTTPResponse(status: .ok) }
        #expect(await handler.send(.get, "/v1/things/1", ["Request-Timeout": "0"]).slug == "deadline-exceeded")
        let bad = await handler.send(.get, "/v1/things/1", ["Request-Timeout": "soon"])
        #expect(bad.slug == "invalid-parameter")
        #expect(bad.places == ["header Request-Timeout"])
    }

    @Test("the caller's trace is joined, and a broken one is not")
    func traces() async {
        let seen = Mutex<[TraceContext?]>([])
        let handler = Self.handler { _ in
            seen.withLock { $0.append(TraceContext.current) }
            return HTTPResponse(status: .ok)
        }
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        _ = await handler.send(.get, "/v1/things/1", ["traceparent": traceparent, "tracestate": "a=b"])
        _ = await handler.send(.get, "/v1/things/1", ["traceparent": "00-nonsense"])
        let contexts = seen.withLock { $0 }
        #expect(contexts[0]?.traceparent.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-") == true)
        #expect(contexts[0]?.traceparent != traceparent)
        #expect(contexts[0]?.tracestate == "a=b")
        #expect(contexts[1] != nil)
        #expect(contexts[1]?.traceID != contexts[0]?.traceID)
    }

    @Test("a stream is not produced for HEAD")
    func headOfStream() async {
        let handler = Self.handler { _ in
            HTTPResponse(status: .ok, body: .stream(HTTPBodyStream { _ in Issue.record("the stream was produced") }))
        }
        #expect(await handler.send(.head, "/v1/things/1").bytes == [])
    }

    @Test("requests are counted by template, known method and status; nothing of theirs becomes a label")
    func metrics() async throws {
        let registry = MetricsRegistry()
        let handler = Self.handler(registry: registry) { _ in HTTPResponse(status: .ok) }
        for target in ["/v1/things/1", "/v1/things/2", "/secret-path", "/%zz"] { _ = await handler.send(.get, target) }
        _ = await handler.send(HTTPMethod("EVIL"), "/v1/things/1")
        _ = await handler.send(.head, "/v1/things/1")
        let text = String(decoding: registry.text(), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("http_requests_total{") }.sorted()
        #expect(
            lines == [
                "http_requests_total{service=\"test-service\",method=\"GET\",route=\"/v1/things/{id}\",status=\"200\"} 2",
                "http_requests_total{service=\"test-service\",method=\"GET\",route=\"unmatched\",status=\"400\"} 1",
                "http_requests_total{service=\"test-service\",method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
                "http_requests_total{service=\"test-service\",method=\"HEAD\",route=\"/v1/things/{id}\",status=\"200\"} 1",
                "http_requests_total{service=\"test-service\",method=\"OTHER\",route=\"/v1/things/{id}\",status=\"405\"} 1",
            ])
        #expect(!text.contains("secret-path"))
        #expect(!text.contains("EVIL"))
        #expect(text.contains("http_request_duration_seconds_count{service=\"test-service\",method=\"GET\""))
    }

    @Test(
        "every standard family is there before the first event",
        arguments: [
            "http_requests_total", "http_request_duration_seconds", "db_pool_connections", "db_pool_connections_max",
            "outbox_pending", "outbox_oldest_seconds", "consumer_lag", "dead_letters", "dependency_health_status",
            "load_shed_total", "fallbacks_total", "service_call_duration_seconds", "circuit_breaker_state",
            "circuit_breaker_requests_total", "retry_attempts_total",
        ])
    func families(name: String) {
        let registry = MetricsRegistry()
        _ = StandardMetrics(service: "s", registry: registry)
        let text = String(decoding: registry.text(), as: UTF8.self)
        #expect(text.contains("# HELP \(name) "))
        #expect(text.contains("# TYPE \(name) "))
    }
}

@Suite("Fingerprints")
struct RequestFingerprintTests {
    static func fingerprint(
        _ target: String, _ body: String, method: HTTPMethod = .post
    ) throws -> RequestFingerprint {
        let request = HTTPRequest(method: method, target: target, body: Array(body.utf8))
        let context = RequestContext(
            request: request, route: RouteTemplate("/v1/orders"), parameters: PathParameters(),
            query: try request.queryParameters(), deadline: .distantFuture, wait: nil,
            path: try request.pathSegments(), principal: .everybody)
        return RequestFingerprint(context, try context.document())
    }

    @Test("member order and white space do not count")
    func same() throws {
        let first = try Self.fingerprint("/v1/orders", "{\"a\":1,\"b\":[true,null]}")
        #expect(try Self.fingerprint("/v1/orders", " {\n\"b\" : [true , null], \"a\":1 } ") == first)
        #expect(try Self.fingerprint("/v1/%6frders", "{\"\\u0061\":1,\"b\":[true,null]}") == first)
    }

    @Test("method, path, parameters and values do")
    func different() throws {
        let all = [
            try Self.fingerprint("/v1/orders", "{\"a\":1}"), try Self.fingerprint("/v1/orders", "{\"a\":2}"),
            try Self.fingerprint("/v1/orders", "{\"a\":\"1\"}"), try Self.fingerprint("/v1/orders", "{\"a\":[1]}"),
            try Self.fingerprint("/v1/orders?x=1", "{\"a\":1}"), try Self.fingerprint("/v1/orders?x=2", "{\"a\":1}"),
            try Self.fingerprint("/v1/orders/x/1", "{\"a\":1}"), try Self.fingerprint("/v1/orders/x%2F1", "{\"a\":1}"),
            try Self.fingerprint("/v1/orders", "{\"a\":1}", method: .put),
        ]
        #expect(Set(all).count == all.count)
    }
}

@Suite("Requests whose deadline has passed")
struct ExpiredRequestTests {
    @Test("are not begun, answered with 504, and counted")
    func expired() async {
        let time = TestTime()
        let registry = MetricsRegistry()
        var router = Router()
        router.get("/task", access: .everyone) { _ in
            Issue.record("begun although nobody waits for it any more")
            return .json(Array("{}".utf8))
        }
        let handler = RequestHandler.test(router, time: time, registry: registry)
        let received = time.now
        time.advance(by: .seconds(2))
        let waited = HTTPRequest(
            method: .get, target: "/task", fields: ["Request-Timeout": "1.5"], receivedAt: received)
        #expect(await handler.handle(waited).slug == "deadline-exceeded")
        #expect(await handler.send(.get, "/task", ["Request-Timeout": "0"]).slug == "deadline-exceeded")
        let text = String(decoding: registry.text(), as: UTF8.self)
        #expect(text.contains("http_requests_expired_total{service=\"test-service\",route=\"/task\"} 2\n"))
    }

    @Test("time spent waiting to be begun counts, and what remains is the handler's")
    func remaining() async {
        let time = TestTime()
        let seen = Recorder<MonotonicInstant>()
        var router = Router()
        router.get("/task", access: .everyone) { context in
            seen.record(context.deadline)
            return .json(Array("{}".utf8))
        }
        let received = time.now
        time.advance(by: .seconds(1))
        let request = HTTPRequest(
            method: .get, target: "/task", fields: ["Request-Timeout": "1.5"], receivedAt: received)
        #expect(await RequestHandler.test(router, time: time).handle(request).status == .ok)
        #expect(seen.events == [received.advanced(by: .milliseconds(1500))])
    }
}
