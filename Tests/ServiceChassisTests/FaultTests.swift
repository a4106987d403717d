import Clocks
import HTTPCodec
import JSON
import Resilience
import Telemetry
import TestSupport
import Testing

@testable import ServiceChassis

@Suite("Injected faults", .timeLimit(.minutes(1)))
struct FaultTests {
    private struct Fixture {
        let time = TestTime()
        let registry = MetricsRegistry()
        let log = LineSink()
        let chassis: Chassis
        let admin: RequestHandler
        let api: RequestHandler
        let worked = Recorder<String>()

        init(_ isOn: Bool = true) {
            var reader = SettingsReader(
                SettingsSources(environment: ["AUTH": "off", "FAULT_INJECTION": isOn ? "on" : "off"]))
            let logger = Logger(service: "s", level: .info, sink: log, time: time)
            chassis = Chassis(
                service: "s", settings: ChassisSettings(reading: &reader), time: time, random: SeededRandom(seed: 1),
                logger: logger, registry: registry)
            var routes = Router()
            if chassis.faults.isEnabled { FaultRoutes(chassis.faults, logger: logger).add(to: &routes) }
            admin = .test(routes, time: time)
            var router = Router()
            let worked = worked
            router.get("/task/{id}", access: .everyone) { _ in
                worked.record("worked")
                return .json(Array("{}".utf8))
            }
            api = RequestHandler(
                router, authenticator: .off(time: time, logger: .silent), faults: chassis.faults,
                deadline: .seconds(10), time: time, logger: .silent, tracer: chassis.tracer, metrics: chassis.metrics)
        }

        func set(_ rules: String) async -> HTTPResponse {
            await admin.send(
                .put, "/admin/faults", ["Content-Type": "application/json"], body: "{\"rules\":[\(rules)]}")
        }
    }

    private static let rule = """
        {"name":"slow","operation":"api/*","key":"k-1","rate":0.5,"sampling":"keys","moment":"after",
         "latency":{"kind":"exponential","seconds":0.2,"upTo":2},"effect":{"kind":"error","value":"reset"},
         "times":3,"lastsSeconds":60}
        """

    @Test("rules are set, shown with what they did, and removed; who set them is in the log")
    func control() async throws {
        let fixture = Fixture()
        #expect(await fixture.set(Self.rule).status == .ok)
        let shown = try JSONDocument(parsing: await fixture.admin.send(.get, "/admin/faults").bytes ?? []).root
        let rule = try #require(shown["rules"]?.elements.first { _ in true })
        #expect(rule["name"]?.string == "slow")
        #expect(rule["operation"]?.string == "api/*")
        #expect(rule["key"]?.string == "k-1")
        #expect(rule["rate"]?.double == 0.5)
        #expect(rule["sampling"]?.string == "keys")
        #expect(rule["moment"]?.string == "after")
        #expect(rule["latency"]?["kind"]?.string == "exponential")
        #expect(rule["latency"]?["upTo"]?.double == 2)
        #expect(rule["effect"]?["value"]?.string == "reset")
        #expect(rule["times"]?.int64 == 3)
        #expect(rule["lastsSeconds"]?.double == 60)
        #expect(rule["injected"]?.int64 == 0)
        #expect(fixture.log.lines.contains { $0.contains("an operator sets the faults") && $0.contains("slow") })
        #expect(await fixture.admin.send(.delete, "/admin/faults").text == "{\"rules\":[]}")
        #expect(!fixture.chassis.faults.isActive)
        #expect(await fixture.admin.send(.patch, "/admin/faults").status.code == 405)
    }

    @Test(
        "rules that make no sense, or lie about effects, are refused with their place",
        arguments: [
            (#"{"name":"x"}"#, "#/rules/0"),
            (#"{"name":"x","effect":{"kind":"error","value":"explode"}}"#, "#/rules/0/effect"),
            (#"{"name":"x","effect":{"kind":"status","value":"200"}}"#, "#/rules/0/effect"),
            (#"{"name":"x","moment":"after","effect":{"kind":"refusal"}}"#, "#/rules/0/effect"),
            (#"{"name":"x","moment":"after","effect":{"kind":"error","value":"refused"}}"#, "#/rules/0/effect"),
            (#"{"name":"x","moment":"after","effect":{"kind":"status","value":"503"}}"#, "#/rules/0/effect"),
            (#"{"name":"x","latency":{"kind":"uniform","seconds":2,"upTo":1}}"#, "#/rules/0/latency/upTo"),
            (#"{"name":"x","rate":2,"effect":{"kind":"refusal"}}"#, "#/rules/0/rate"),
            (#"{"name":"x","effect":{"kind":"refusal"}},{"name":"x","effect":{"kind":"refusal"}}"#, "#/rules"),
        ])
    func refused(rules: String, place: String) async {
        let fixture = Fixture()
        let answer = await fixture.set(rules)
        #expect(answer.slug == "validation-failed")
        #expect(answer.places == ["pointer \(place)"])
        #expect(!fixture.chassis.faults.isActive)
    }

    @Test(
        "a request gets the fault in the place of its answer, before or behind its work",
        arguments: [
            (#"{"kind":"refusal"}"#, "before", "overloaded", false),
            (#"{"kind":"status","value":"503"}"#, "before", "dependency-unavailable", false),
            (#"{"kind":"status","value":"504"}"#, "after", "deadline-exceeded", true),
        ])
    func requests(effect: String, moment: String, slug: String, isWorked: Bool) async {
        let fixture = Fixture()
        let rule = #"{"name":"f","operation":"api/GET /task/{id}","moment":"\#(moment)","effect":\#(effect)}"#
        #expect(await fixture.set(rule).status == .ok)
        #expect(await fixture.api.send(.get, "/task/1").slug == slug)
        #expect(fixture.worked.events == (isWorked ? ["worked"] : []))
        let text = String(decoding: fixture.registry.text(), as: UTF8.self)
        #expect(text.contains("faults_injected_total{service=\"s\",rule=\"f\"} 1\n"))
        _ = await fixture.admin.send(.delete, "/admin/faults")
        #expect(await fixture.api.send(.get, "/task/1").status == .ok)
    }

    @Test("a request whose connection is to break gets no answer at all")
    func reset() async {
        let fixture = Fixture()
        _ = await fixture.set(#"{"name":"f","effect":{"kind":"error","value":"reset"},"moment":"after"}"#)
        let answer = await fixture.api.send(.get, "/task/1")
        guard case .cut(let cut) = answer.body else {
            Issue.record("answered \(answer.status)")
            return
        }
        #expect(cut.reset)
        #expect(fixture.worked.events == ["worked"])
    }

    @Test(
        "a call meets the fault as a caller would the real one, and knows whether it may have had an effect",
        arguments: [
            (#"{"kind":"refusal"}"#, "before", true, 0), (#"{"kind":"error","value":"refused"}"#, "before", true, 0),
            (#"{"kind":"error","value":"reset"}"#, "after", false, 1),
            (#"{"kind":"status","value":"502"}"#, "after", false, 1),
            (#"{"kind":"status","value":"503"}"#, "before", true, 0),
        ])
    func calls(effect: String, moment: String, hadNoEffect: Bool, seen: Int) async throws {
        let service = ServiceCallerTests.Scripted([.json(Array("{}".utf8))])
        try await PeerBench.with(service, environment: ["FAULT_INJECTION": "on"]) { caller, chassis in
            let admin = Self.faultAdmin(chassis)
            let rule = #"{"name":"f","operation":"\#(caller.name)/*","moment":"\#(moment)","effect":\#(effect)}"#
            let set = await admin.send(
                .put, "/admin/faults", ["Content-Type": "application/json"], body: "{\"rules\":[\(rule)]}")
            #expect(set.status == .ok)
            let error = await #expect(throws: CallError.self) {
                try await caller.send(
                    ServiceRequest(.post, "/x"), operation: "try",
                    deadline: SystemTime().now.advanced(by: .seconds(10)))
            }
            #expect(error?.hadNoEffect == hadNoEffect)
            #expect(service.seen.count == seen)
        }
    }

    private static func faultAdmin(_ chassis: Chassis) -> RequestHandler {
        var router = Router()
        FaultRoutes(chassis.faults, logger: .silent).add(to: &router)
        return .test(router)
    }

    @Test("without FAULT_INJECTION there is no such resource, and no rule is taken")
    func off() async {
        let fixture = Fixture(false)
        #expect(await fixture.set(Self.rule).slug == "not-found")
        #expect(throws: FaultInjectionError.disabled) {
            try fixture.chassis.faults.setRules([FaultRule("x", effect: .refusal)])
        }
    }
}
