import Clocks
import HTTPClient
import HTTPCodec
import HTTPServer
import ServiceChassis
import Telemetry
import Testing

@Suite("Listeners", .timeLimit(.minutes(1)))
struct HTTPListenerTests {
    static let time = SystemTime()

    static func chassis() -> Chassis {
        let environment = ["AUTH": "off", "HOST": "127.0.0.1", "PORT": "0", "ADMIN_PORT": "0"]
        var reader = SettingsReader(SettingsSources(environment: environment))
        let settings = ChassisSettings(reading: &reader)
        return Chassis(service: "s", settings: settings, time: time, random: SystemRandom(), logger: .silent)
    }

    @Test("the port is refused until the group comes to it, then served, then drained")
    func lifecycle() async throws {
        let log = Recorder<String>()
        var router = Router()
        router.get("/v1/slow", access: .everyone) { _ in
            log.record("asked")
            await log.wait(for: "go on")
            return .json(Array("{}".utf8))
        }
        let handler = RequestHandler.test(router, time: Self.time)
        var configuration = HTTPServerConfiguration(host: "127.0.0.1")
        configuration.limits.lingerTimeout = .milliseconds(10)
        let server = try HTTPServer(
            configuration: configuration, time: Self.time, handler: { await handler.handle($0) })
        let url = "http://127.0.0.1:\(try server.bind())/v1/slow"
        let client = HTTPClient(time: Self.time)
        let deadline = Self.time.now.advanced(by: .seconds(30))
        let gate = ClosureService("gate") { life in
            await log.wait(for: "open")
            life.ready()
            await life.stopRequested()
        }
        let listener = HTTPListener("api", server: server, patience: .seconds(20), time: Self.time)
        let group = ServiceGroup([gate, listener], drain: .seconds(25), time: Self.time) { event in
            if case .running = event { log.record("runs") }
            if case .stopping("api") = event { log.record("drains") }
        }
        async let outcome = group.run()
        let early = await #expect(throws: HTTPClientError.self) {
            try await client.execute(HTTPClientRequest(.get, url: url), deadline: deadline)
        }
        #expect(early?.sent == .certainlyNotSent)
        log.record("open")
        await log.wait(for: "runs")
        async let slow = client.execute(HTTPClientRequest(.get, url: url), deadline: deadline)
        await log.wait(for: "asked")
        group.stop()
        await log.wait(for: "drains")
        log.record("go on")
        #expect(try await slow.status == .ok)
        #expect(await outcome == .stopped)
        await client.shutdown()
    }

    @Test("a port that is taken shows before anything has started")
    func portTaken() throws {
        let holder = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: Self.time,
            handler: { _ in HTTPResponse(status: .ok) })
        let port = try holder.listen()
        var reader = SettingsReader(SettingsSources(environment: ["HOST": "127.0.0.1", "PORT": String(port)]))
        let settings = ChassisSettings(reading: &reader)
        let chassis = Chassis(
            service: "s", settings: settings, time: Self.time, random: SystemRandom(), logger: .silent)
        let error = #expect(throws: HTTPServerError.self) { _ = try chassis.api(Router()) }
        #expect(error == .portTaken(host: "127.0.0.1", port: port))
    }
}
