import Clocks
import HTTPCodec
import HTTPServer
import Resilience
import ServiceChassis
import Synchronization
import Telemetry
import Testing

@Suite("Calls to other services", .timeLimit(.minutes(1)))
struct ServiceCallerTests {
    static let time = SystemTime()

    /// A service that answers its requests in order from a list, the last answer for ever.
    final class Scripted: Sendable {
        let requests = Mutex<[HTTPRequest]>([])
        let registry = MetricsRegistry()
        let answers: [HTTPResponse]

        init(_ answers: [HTTPResponse]) {
            self.answers = answers
        }

        var seen: [HTTPRequest] { requests.withLock { $0 } }

        func answer(_ request: HTTPRequest) -> HTTPResponse {
            let number = requests.withLock { requests in
                requests.append(request)
                return requests.count
            }
            return answers[min(number, answers.count) - 1]
        }

        func run(
            configuration: ServiceCaller.Configuration = ServiceCaller.Configuration(),
            _ body: (ServiceCaller) async throws -> Void
        ) async throws {
            let server = try HTTPServer(
                configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: time,
                handler: { self.answer($0) })
            let port = try server.listen()
            async let running: Void = server.run()
            try await ServiceCallerTests.withCaller(
                port: port, registry: registry, configuration: configuration, body)
            await server.drain(deadline: time.now)
            try await running
        }
    }

    static func withCaller(
        port: Int, registry: MetricsRegistry = MetricsRegistry(),
        configuration: ServiceCaller.Configuration = ServiceCaller.Configuration(),
        _ body: (ServiceCaller) async throws -> Void
    ) async throws {
        var reader = SettingsReader(SettingsSources(environment: ["AUTH": "off"]))
        let chassis = Chassis(
            service: "asking-service", settings: ChassisSettings(reading: &reader), time: time,
            random: SeededRandom(seed: 7), logger: .silent, registry: registry)
        let calls = chassis.outgoingCalls()
        let url = try #require(ServiceURL("http://127.0.0.1:\(port)/base"))
        try await body(calls.caller("asked-service", [url], configuration: configuration))
        let life = ServiceLife()
        life.stop()
        try await calls.part.run(life)
    }

    static var soon: MonotonicInstant { time.now.advanced(by: .seconds(20)) }

    static func answer(_ status: Int, retryAfter: String? = nil) -> HTTPResponse {
        var response = HTTPResponse.json(Array("{\"s\":\(status)}".utf8), status: HTTPStatus(status))
        if let retryAfter { response.fields.append("Retry-After", retryAfter) }
        return response
    }

    @Test("the answer is the service's, whatever its status below 500", arguments: [200, 201, 404, 409, 422])
    func answers(status: Int) async throws {
        let service = Scripted([Self.answer(status)])
        try await service.run { caller in
            let response = try await caller.send(.init(.get, "/v1/x?a=b"), operation: "look", deadline: Self.soon)
            #expect(response.status.code == status)
            #expect(response.body == Array("{\"s\":\(status)}".utf8))
        }
        #expect(service.seen.map(\.target) == ["/base/v1/x?a=b"])
    }

    @Test("deadline and trace travel along")
    func headers() async throws {
        let service = Scripted([Self.answer(200)])
        let trace = TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
        try await service.run { caller in
            try await TraceContext.$current.withValue(trace) {
                let deadline = Self.time.now.advanced(by: .milliseconds(900))
                _ = try await caller.send(.init(.get, "/"), operation: "look", deadline: deadline)
                try await Deadline.$current.withValue(Deadline(after: .milliseconds(500), from: Self.time.now)) {
                    _ = try await caller.send(.init(.get, "/"), operation: "look", deadline: Self.soon)
                }
            }
        }
        let timeouts = try service.seen.map { try #require(try RequestTimeout.read($0.fields)) }
        #expect(timeouts[0] <= .milliseconds(900) && timeouts[0] > .milliseconds(100))
        #expect(timeouts[1] <= .milliseconds(500))
        #expect(service.seen[0].fields["traceparent"]?.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-") == true)
    }

    @Test(
        "a failure is tried again when that cannot do harm",
        arguments: [
            (.get, [:], 500, 3), (.get, [:], 502, 3), (.get, [:], 503, 3), (.put, [:], 504, 3), (.post, [:], 503, 3),
            (.post, ["Idempotency-Key": "k"], 500, 3), (.post, [:], 500, 1), (.post, [:], 504, 1), (.get, [:], 429, 3),
        ] as [(HTTPMethod, HTTPFields, Int, Int)])
    func retries(method: HTTPMethod, fields: HTTPFields, status: Int, attempts: Int) async throws {
        let service = Scripted([Self.answer(status), Self.answer(status), Self.answer(200)])
        try await service.run { caller in
            let body: [UInt8]? = method == .get ? nil : Array("{}".utf8)
            let request = ServiceRequest(method, "/", fields: fields, body: body)
            do throws(CallError) {
                let response = try await caller.send(request, operation: "do", deadline: Self.soon)
                #expect(response.status == .ok)
                #expect(attempts == 3)
            } catch {
                #expect(attempts == 1)
                #expect(!error.hadNoEffect)
            }
        }
        #expect(service.seen.count == attempts)
        let text = String(decoding: service.registry.text(), as: UTF8.self)
        let third = "retry_attempts_total{service=\"asking-service\",operation=\"do\",attempt=\"3\"} 1"
        #expect(text.contains(third) == (attempts == 3))
    }

    @Test("a 503 whose outcome is unknown is not taken for one without effect")
    func unknownOutcome() async throws {
        let service = Scripted([ProblemDetails(.outcomeUnknown).response()])
        try await service.run { caller in
            let error = await #expect(throws: CallError.self) {
                try await caller.send(.init(.post, "/", body: []), operation: "do", deadline: Self.soon)
            }
            #expect(error?.hadNoEffect == false)
            #expect(error?.problem.type == .outcomeUnknown)
        }
        #expect(service.seen.count == 1)
    }

    @Test(
        "a 503 of a service that is not bound to the contract leaves open what was done, unless it says so in our words",
        arguments: [
            (answer(503), true, true), (answer(503), false, false),
            (ProblemDetails(.overloaded).response(), false, true),
            (ProblemDetails(.dependencyUnavailable).response(), false, true),
            (ProblemDetails(.outcomeUnknown).response(), false, false), (answer(429), false, true),
            (answer(500), false, false),
        ])
    func foreign(answer: HTTPResponse, trustsContract: Bool, hadNoEffect: Bool) async throws {
        var configuration = ServiceCaller.Configuration()
        configuration.retry.maximumAttempts = 1
        configuration.trustsContract = trustsContract
        try await Scripted([answer]).run(configuration: configuration) { caller in
            let error = await #expect(throws: CallError.self) {
                try await caller.send(.init(.post, "/", body: []), operation: "do", deadline: Self.soon)
            }
            #expect(error?.hadNoEffect == hadNoEffect)
        }
    }

    @Test(
        "a request that must not be repeated blindly is sent once, unless nothing was done",
        arguments: [(answer(500), 1), (answer(503), 1), (answer(429), 3), (ProblemDetails(.overloaded).response(), 3)])
    func notBlindly(answer: HTTPResponse, attempts: Int) async throws {
        var configuration = ServiceCaller.Configuration()
        configuration.trustsContract = false
        let service = Scripted([answer])
        try await service.run(configuration: configuration) { caller in
            var request = ServiceRequest(.post, "/", fields: ["Idempotency-Key": "k"], body: [])
            request.repeatsWhenUnknown = false
            await #expect(throws: CallError.self) {
                try await caller.send(request, operation: "do", deadline: Self.soon)
            }
        }
        #expect(service.seen.count == attempts)
    }

    @Test("a wait that is longer than the caller's patience is handed on, in either form")
    func retryAfter() async throws {
        let date = Self.answer(429, retryAfter: "Sun, 06 Nov 2094 08:49:37 GMT")
        for (answer, least) in [(Self.answer(429, retryAfter: "30"), 30.0), (date, 86_400 * 365)] {
            let service = Scripted([answer])
            try await service.run { caller in
                let error = await #expect(throws: CallError.self) {
                    try await caller.send(.init(.get, "/"), operation: "look", deadline: Self.soon)
                }
                guard case .unavailable(_, _, let retryAfter?) = error else {
                    Issue.record("\(String(describing: error)) names no time")
                    return
                }
                #expect(retryAfter >= .seconds(least))
            }
            #expect(service.seen.count == 1)
        }
    }

    @Test("a service that stays away is unavailable, and nothing was sent")
    func refused() async throws {
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: Self.time,
            handler: { _ in Self.answer(200) })
        let registry = MetricsRegistry()
        try await Self.withCaller(port: try server.bind(), registry: registry) { caller in
            let error = await #expect(throws: CallError.self) {
                try await caller.send(.init(.post, "/", body: []), operation: "do", deadline: Self.soon)
            }
            #expect(error?.hadNoEffect == true)
            #expect(error?.problem.type == .dependencyUnavailable)
        }
        let text = String(decoding: registry.text(), as: UTF8.self)
        #expect(text.contains("dependency_health_status{service=\"asking-service\",dependency=\"asked-service\"} 0"))
        #expect(
            text.contains(
                "service_call_duration_seconds_count{service=\"asking-service\",operation=\"do\",result=\"failure\"} 1")
        )
    }

    @Test("no attempt is made once the time is over, and none that would begin after the deadline")
    func deadline() async throws {
        let service = Scripted([Self.answer(503, retryAfter: "30"), Self.answer(200)])
        try await service.run { caller in
            let late = await #expect(throws: CallError.self) {
                try await caller.send(.init(.get, "/"), operation: "look", deadline: Self.time.now)
            }
            #expect(late == .deadlineExceeded(operation: "look", mayHaveBeenSent: false))
            #expect(service.seen.isEmpty)
            await #expect(throws: CallError.self) {
                try await caller.send(.init(.get, "/"), operation: "look", deadline: Self.soon)
            }
            #expect(service.seen.count == 1)
        }
    }

    @Test("after enough failures the breaker refuses, nothing is sent, and the metrics say so")
    func breaker() async throws {
        var configuration = ServiceCaller.Configuration()
        configuration.retry.maximumAttempts = 1
        configuration.breaker.minimumCalls = 2
        let service = Scripted([Self.answer(500)])
        try await service.run(configuration: configuration) { caller in
            for _ in 0..<2 {
                await #expect(throws: CallError.self) {
                    try await caller.send(ServiceRequest(.get, "/"), operation: "look", deadline: Self.soon)
                }
            }
            #expect(caller.breaker.state == .open)
            guard case .refusing(let end) = caller.admission, end > Self.time.now else {
                Issue.record("the caller says \(caller.admission)")
                return
            }
            let refused = await #expect(throws: CallError.self) {
                try await caller.send(ServiceRequest(.post, "/", body: []), operation: "do", deadline: Self.soon)
            }
            #expect(refused?.hadNoEffect == true)
            guard case .refused(_, _, _?) = refused else {
                Issue.record("\(String(describing: refused)) does not say that nothing was sent")
                return
            }
            #expect(refused?.description.contains("circuit breaker asked-service is open") == true)
        }
        #expect(service.seen.count == 2)
        let text = String(decoding: service.registry.text(), as: UTF8.self)
        let breaker = "service=\"asking-service\",circuit_breaker=\"asked-service\""
        for line in [
            "circuit_breaker_state{\(breaker)} 1",
            "circuit_breaker_requests_total{\(breaker),state=\"closed\",result=\"failure\"} 2",
            "circuit_breaker_requests_total{\(breaker),state=\"open\",result=\"rejected\"} 1",
            "service_call_duration_seconds_count{service=\"asking-service\",operation=\"do\",result=\"rejected\"} 1",
        ] {
            #expect(text.contains(line + "\n"))
        }
    }
}
