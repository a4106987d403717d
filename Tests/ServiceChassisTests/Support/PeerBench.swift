import Clocks
import HTTPServer
import ServiceChassis
import Telemetry
import Testing

/// A service of the suite that calls another one, which answers from a script.
enum PeerBench {
    static func with(
        _ service: ServiceCallerTests.Scripted, environment: [String: String] = [:],
        _ body: (ServiceCaller, Chassis) async throws -> Void
    ) async throws {
        let time = SystemTime()
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), time: time,
            handler: { service.answer($0) })
        let port = try server.listen()
        async let running: Void = server.run()
        var reader = SettingsReader(
            SettingsSources(environment: environment.merging(["AUTH": "off"]) { given, _ in given }))
        let chassis = Chassis(
            service: "asking-service", settings: ChassisSettings(reading: &reader), time: time,
            random: SeededRandom(seed: 7), logger: .silent)
        let calls = chassis.outgoingCalls()
        let url = try #require(ServiceURL("http://127.0.0.1:\(port)"))
        try await body(try calls.caller("asked-service", [url]), chassis)
        let life = ServiceLife()
        life.stop()
        try await calls.part.run(life)
        await server.drain(deadline: time.now)
        try await running
    }
}
