import Clocks
import HTTPServer
import JSON
import ServiceChassis
import Telemetry
import TestSupport

@testable import ProviderSimulator

/// The provider's API on a port, with time moved by hand and without anything that happens by itself.
struct ProviderFixture: Sendable {
    let keeper: LedgerKeeper
    let faults: FaultSwitch
    let metrics: SimulatorMetrics
    let registry: MetricsRegistry
    let time: TestTime
    let server: HTTPServer
    let port: Int

    static func run(
        _ rules: LedgerRules = LedgerRules(), _ body: (ProviderFixture) async throws -> Void
    ) async throws {
        let time = TestTime()
        let registry = MetricsRegistry()
        let random = SeededRandom(seed: 4)
        let metrics = SimulatorMetrics(service: "provider-simulator", registry: registry)
        let keeper = LedgerKeeper(Ledger(rules: rules), journal: nil, metrics: metrics, time: time, random: random)
        let faults = FaultSwitch(service: "provider-simulator", registry: registry, seed: 1)
        var router = Router()
        ProviderAPI(keeper: keeper, faults: faults, metrics: metrics, time: time, random: random).add(to: &router)
        let handler = RequestHandler(
            router, authenticator: .off(time: time, logger: .silent), deadline: .seconds(10), time: time,
            logger: .silent,
            tracer: .disabled(time: time, random: random), metrics: nil)
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"), handler: { await handler.handle($0) })
        let port = try server.listen()
        let running = Task { try await server.run() }
        let fixture = ProviderFixture(
            keeper: keeper, faults: faults, metrics: metrics, registry: registry, time: time, server: server,
            port: port)
        let result: Result<Void, any Error>
        do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
        await server.drain(deadline: MonotonicInstant(nanoseconds: .min))
        try await running.value
        try result.get()
    }

    // MARK: - Asking

    /// Sends a request on a connection of its own and leaves it to the caller to read.
    func open(_ method: String, _ target: String, key: String? = nil, body: String? = nil) throws -> RawClient {
        let client = try RawClient(port: port)
        var text = "\(method) \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        if let key { text += "Idempotency-Key: \(key)\r\n" }
        if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        client.send(text + "\r\n" + (body ?? ""))
        return client
    }

    func ask(_ method: String, _ target: String, key: String? = nil, body: String? = nil) async throws -> RawAnswer {
        try await open(method, target, key: key, body: body).readToEnd()
    }

    static func chargeBody(_ token: String = "tok_ok", amount: Int64 = 3998) -> String {
        #"{"amount":{"amount":\#(amount),"currency":"EUR"},"token":"\#(token)","reference":"o-1"}"#
    }

    static func bookingBody(country: String = "DE") -> String {
        #"{"shipTo":{"name":"A","street":"B 1","city":"C","postalCode":"1000","country":"\#(country)"},"#
            + #""lines":[{"sku":"SKU-1","quantity":2}],"reference":"o-1"}"#
    }

    func charge(_ key: String, _ token: String = "tok_ok", amount: Int64 = 3998) async throws -> RawAnswer {
        try await ask("POST", "/v1/charges", key: key, body: Self.chargeBody(token, amount: amount))
    }

    func book(_ key: String, country: String = "DE") async throws -> RawAnswer {
        try await ask("POST", "/v1/bookings", key: key, body: Self.bookingBody(country: country))
    }

    /// Puts rules for one scope in force.
    func play(_ scope: FaultScope, _ change: (inout FaultRules) -> Void) {
        var rules = FaultRules()
        change(&rules)
        faults.replace(by: FaultPlan(seed: 1, scopes: [scope: rules]))
    }

    // MARK: - Looking

    func charge(of key: String) async throws -> Charge? { try await keeper.read { $0.charges[key] } }
    func booking(of key: String) async throws -> Booking? { try await keeper.read { $0.bookings[key] } }

    /// How often a fault was played, by the metrics.
    func injected(_ scope: String, _ fault: String) -> Int {
        let start =
            #"provider_faults_injected_total{service="provider-simulator",scope="\#(scope)",fault="\#(fault)"} "#
        let text = String(decoding: registry.text(), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(start) }
        return line.flatMap { Int($0.dropFirst(start.count)) } ?? 0
    }
}

extension RawAnswer {
    /// The body's document.
    var json: JSONValue? { try? JSONDocument(parsing: Array(body.utf8)).root }

    /// The last part of a problem's type.
    var slug: String? {
        json?["type"]?.string.map { String($0.dropFirst("urn:holdfast:problem:".count)) }
    }

    var pointers: [String] {
        json?["errors"]?.elements.compactMap { $0["pointer"]?.string } ?? []
    }
}
