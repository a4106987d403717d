import Clocks
import HTTPClient
import HTTPCodec
import HTTPServer
import Resilience
import ServiceChassis
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("The load limit of an API port", .timeLimit(.minutes(1)))
struct LoadLimitTests {
    private static let time = SystemTime()

    private static func settings(_ maximum: String, _ environment: [String: String] = [:]) throws -> LoadSettings {
        var environment = environment
        environment["CONCURRENCY_LIMIT_MAX"] = maximum
        environment["CONCURRENCY_LIMIT_MIN"] = environment["CONCURRENCY_LIMIT_MIN"] ?? "1"
        var reader = SettingsReader(SettingsSources(environment: environment))
        let settings = LoadSettings(reading: &reader)
        try reader.finish()
        return settings
    }

    /// A port with a limit, and a route whose requests last until they are let go.
    private struct Fixture {
        let registry = MetricsRegistry()
        let log = Recorder<String>()
        let limit: LoadLimit
        let handler: RequestHandler

        init(maximum: String, _ change: (inout Router, Recorder<String>) -> Void = { _, _ in }) throws {
            let time = LoadLimitTests.time
            limit = try #require(LoadLimit(try settings(maximum), time: time))
            var router = Router()
            let log = log
            router.get("/hold", access: .everyone) { _ in
                log.record("held")
                await log.wait(for: "let go")
                return .json(Array("{}".utf8))
            }
            router.get("/normal", access: .everyone) { _ in .json(Array("{}".utf8)) }
            router.get("/list", access: .everyone, priority: .background) { _ in .json(Array("{}".utf8)) }
            router.post("/cancel", access: .everyone, body: .none, priority: .critical) { _ in .json(Array("{}".utf8)) }
            change(&router, log)
            handler = RequestHandler(
                router, authenticator: .off(time: time, logger: .silent), load: limit, deadline: .seconds(10),
                time: time, logger: .silent, tracer: .disabled(time: time, random: SeededRandom(seed: 1)),
                metrics: StandardMetrics(service: "s", registry: registry))
        }

        var metrics: String { String(decoding: registry.text(), as: UTF8.self) }
    }

    @Test("a request too many is refused at once with 503 overloaded, and counted")
    func shed() async throws {
        let fixture = try Fixture(maximum: "1")
        async let held = fixture.handler.send(.get, "/hold")
        await fixture.log.wait(for: "held")
        let refused = await fixture.handler.send(.get, "/normal")
        #expect(refused.slug == "overloaded")
        #expect(refused.fields["Retry-After"] == "1")
        #expect(fixture.metrics.contains("load_shed_total{service=\"s\",reason=\"concurrency-limit\"} 1\n"))
        #expect(
            fixture.metrics.contains(
                "http_requests_total{service=\"s\",method=\"GET\",route=\"/normal\",status=\"503\"} 1"))
        fixture.log.record("let go")
        #expect(await held.status == .ok)
        #expect(await fixture.handler.send(.get, "/normal").status == .ok)
        #expect(fixture.limit.snapshot.inFlight == 0)
    }

    @Test("what can wait is refused before what a customer waits for, and a promise last of all")
    func priorities() async throws {
        let fixture = try Fixture(maximum: "4")
        var held: [Task<HTTPResponse, Never>] = []
        func hold(_ count: Int) async throws {
            while held.count < count {
                held.append(Task { [handler = fixture.handler] in await handler.send(.get, "/hold") })
                while fixture.limit.snapshot.inFlight < held.count { try await Self.time.sleep(for: .milliseconds(1)) }
            }
        }
        try await hold(2)
        #expect(await fixture.handler.send(.get, "/list").slug == "overloaded")
        #expect(await fixture.handler.send(.get, "/normal").status == .ok)
        try await hold(3)
        #expect(await fixture.handler.send(.get, "/normal").slug == "overloaded")
        #expect(await fixture.handler.send(.post, "/cancel").status == .ok)
        fixture.log.record("let go")
        for task in held { _ = await task.value }
    }

    @Test("a request that only waits makes room for others, and its wait says nothing about load")
    func waiting() async throws {
        let fixture = try Fixture(maximum: "1") { router, log in
            router.get("/wait", access: .everyone) { context in
                context.waitsFromHere()
                log.record("waits")
                await log.wait(for: "let go")
                return .json(Array("{}".utf8))
            }
        }
        async let waiting = fixture.handler.send(.get, "/wait")
        await fixture.log.wait(for: "waits")
        #expect(fixture.limit.snapshot.inFlight == 0)
        #expect(await fixture.handler.send(.get, "/normal").status == .ok)
        fixture.log.record("let go")
        #expect(await waiting.status == .ok)
        #expect(fixture.limit.snapshot.inFlight == 0)
    }

    @Test("an event stream counts until its head is answered, and not while it lasts")
    func stream() async throws {
        let fixture = try Fixture(maximum: "1") { router, _ in
            router.get("/events", access: .everyone) { _ in
                HTTPResponse(status: .ok, body: .stream(HTTPBodyStream { _ in }))
            }
        }
        let stream = await fixture.handler.send(.get, "/events")
        #expect(stream.bytes == nil)
        #expect(fixture.limit.snapshot.inFlight == 0)
    }

    @Test("each API port has the limit of its settings, and none when it is off")
    func wiring() throws {
        for (maximum, limit) in [("off", 0), ("150", 150)] {
            let environment = [
                "AUTH": "off", "HOST": "127.0.0.1", "PORT": "0", "CONCURRENCY_LIMIT_MAX": maximum,
            ]
            var reader = SettingsReader(SettingsSources(environment: environment))
            let chassis = Chassis(
                service: "s", settings: ChassisSettings(reading: &reader), time: Self.time, random: SystemRandom(),
                logger: .silent)
            _ = try chassis.api(Router())
            let text = String(decoding: chassis.metrics.registry.text(), as: UTF8.self)
            #expect(text.contains("concurrency_limit{service=\"s\"} \(limit)\n"))
        }
    }

    @Test("a minimum above the maximum stops the start")
    func contradiction() {
        let error = #expect(throws: SettingsError.self) {
            try Self.settings("5", ["CONCURRENCY_LIMIT_MIN": "6"])
        }
        #expect(error?.description.contains("CONCURRENCY_LIMIT_MIN") == true)
    }

    /// Work that takes the longer the more of it is under way, as on a machine with one processor.
    private final class OneProcessor: Sendable {
        private let running = Mutex(0)
        private let unit: Duration

        init(unit: Duration) { self.unit = unit }

        func work() async throws {
            let share = running.withLock { running in
                running += 1
                return running
            }
            defer { running.withLock { $0 -= 1 } }
            try await LoadLimitTests.time.sleep(for: unit * share)
        }
    }

    @Test("under overload it sheds, answers what it takes in bounded time, and the admin port answers")
    func overload() async throws {
        let limit = try #require(
            LoadLimit(try Self.settings("16", ["CONCURRENCY_LIMIT_SECONDS": "0.1"]), time: Self.time))
        let processor = OneProcessor(unit: .milliseconds(25))
        var router = Router()
        router.get("/task", access: .everyone) { _ in
            try await processor.work()
            return .json(Array("{}".utf8))
        }
        let api = RequestHandler(
            router, authenticator: .off(time: Self.time, logger: .silent), load: limit, deadline: .seconds(10),
            time: Self.time, logger: .silent, tracer: .disabled(time: Self.time, random: SeededRandom(seed: 1)),
            metrics: nil)
        let admin = RequestHandler.test(
            AdminRoutes.router(health: HealthRegistry(time: Self.time), registry: MetricsRegistry(), settings: []),
            time: Self.time)
        func server(_ handler: RequestHandler) throws -> (server: HTTPServer, port: Int) {
            let server = try HTTPServer(
                configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: Self.time,
                handler: { await handler.handle($0) })
            return (server, try server.listen())
        }
        let (apiServer, apiPort) = try server(api)
        let (adminServer, adminPort) = try server(admin)
        async let apiRuns: Void = apiServer.run()
        async let adminRuns: Void = adminServer.run()
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerAuthority = 80
        let client = HTTPClient(configuration: configuration, time: Self.time)
        let end = Self.time.now.advanced(by: .seconds(3))

        // 64 clients at once would mean 1.6 s for each answer.
        let results = await withTaskGroup(of: [(status: Int, duration: Duration)].self) { group in
            for _ in 0..<64 {
                group.addTask {
                    var results: [(status: Int, duration: Duration)] = []
                    while Self.time.now < end {
                        let began = Self.time.now
                        let answer = try? await client.execute(
                            HTTPClientRequest(.get, url: "http://127.0.0.1:\(apiPort)/task"),
                            deadline: began.advanced(by: .seconds(10)))
                        results.append((answer?.status.code ?? 0, began.duration(to: Self.time.now)))
                        // A client that is refused comes back, though not without pause.
                        if answer?.status != .ok { try? await Self.time.sleep(for: .milliseconds(20)) }
                    }
                    return results
                }
            }
            group.addTask {
                while Self.time.now < end {
                    let began = Self.time.now
                    let answer = try? await client.execute(
                        HTTPClientRequest(.get, url: "http://127.0.0.1:\(adminPort)/health/live"),
                        deadline: began.advanced(by: .seconds(5)))
                    #expect(answer?.status == .ok)
                    try? await Self.time.sleep(for: .milliseconds(50))
                }
                return []
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let served = results.filter { $0.status == 200 }
        let shed = results.filter { $0.status == 503 }
        #expect(served.count + shed.count == results.count)
        #expect(!shed.isEmpty)
        // As much is done as can be: one request each 25 ms.
        #expect(served.count > 30, "\(served.count) served")
        #expect(limit.snapshot.limit < 16, "the limit is \(limit.snapshot.limit)")
        // Without a limit each would wait for all others, 1.6 s; some may have met a busy machine.
        let durations = served.map(\.duration).sorted()
        let usual = durations[durations.count / 2]
        #expect(usual < .seconds(1.2), "every other answer took longer than \(usual)")
        await client.shutdown()
        await apiServer.drain(deadline: Self.time.now)
        await adminServer.drain(deadline: Self.time.now)
        try await apiRuns
        try await adminRuns
    }
}
