import Clocks
import HTTPCodec
import HTTPServer
import ServiceChassis
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import OrderService

@Suite("Parts of an order that others own", .timeLimit(.minutes(1)))
struct OrderPartsTests {
    private static let time = SystemTime()
    private static let order = UUID(high: 1, low: 2)

    /// payment-service or shipping-service: a real server that shows one thing for each order it knows.
    private final class Peer: Sendable {
        private struct State {
            var parts: [String: String] = [:]
            var targets: [String] = []
            var server: HTTPServer?
            var running: Task<Void, any Error>?
            var port = 0
        }

        private let state = Mutex(State())

        var targets: [String] { state.withLock { $0.targets } }
        var port: Int { state.withLock { $0.port } }

        func show(_ part: String?, for order: UUID) {
            state.withLock { $0.parts["\(order)"] = part }
        }

        func start() throws {
            let server = try HTTPServer(
                configuration: HTTPServerConfiguration(host: "127.0.0.1", port: port), time: time,
                handler: { self.answer($0) })
            let port = try server.listen()
            state.withLock { state in
                state.port = port
                state.server = server
                state.running = Task { try await server.run() }
            }
        }

        func stop() async throws {
            let (server, running) = state.withLock { state in
                defer { (state.server, state.running) = (nil, nil) }
                return (state.server, state.running)
            }
            await server?.drain(deadline: time.now)
            try await running?.value
        }

        private func answer(_ request: HTTPRequest) -> HTTPResponse {
            state.withLock { state in
                state.targets.append(request.target)
                let part = state.parts.first { request.target.contains("orderId=\($0.key)&") }?.value
                return .json(Array("{\"items\":[\(part ?? "")],\"nextCursor\":null}".utf8))
            }
        }
    }

    /// What order-service would put into its answer: the part, `null` without one, and whether it names it as degraded.
    private struct Shown: Equatable, CustomStringConvertible {
        var json: String
        var isDegraded: Bool

        init(_ part: OrderParts.Part) {
            let bytes: [UInt8]?
            switch part {
            case .found(let json): (bytes, isDegraded) = (json, false)
            case .degraded(let json): (bytes, isDegraded) = (json, true)
            }
            json = bytes.map { String(decoding: $0, as: UTF8.self) } ?? "null"
        }

        init(_ json: String, isDegraded: Bool = false) {
            self.json = json
            self.isDegraded = isDegraded
        }

        var description: String { isDegraded ? "degraded: \(json)" : json }
    }

    private struct Bench {
        let payments = Peer()
        let shipments = Peer()
        let registry = MetricsRegistry()
        let parts: OrderParts
        private let calls: OutgoingCalls

        init() throws {
            try payments.start()
            try shipments.start()
            var reader = SettingsReader(SettingsSources(environment: ["AUTH": "off"]))
            let chassis = Chassis(
                service: "order-service", settings: ChassisSettings(reading: &reader), time: time,
                random: SeededRandom(seed: 3), logger: .silent, registry: registry)
            calls = chassis.outgoingCalls()
            let urls = try [payments, shipments].map { try #require(ServiceURL("http://127.0.0.1:\($0.port)")) }
            parts = OrderParts(
                payments: try calls.peer("payment-service", [urls[0]]),
                shipments: try calls.peer("shipping-service", [urls[1]]),
                // No machine is so slow that a server that is there would seem to be away.
                timeout: .seconds(20), time: time, fallbacks: chassis.metrics.fallbacks, log: .silent)
        }

        func stop() async throws {
            let life = ServiceLife()
            life.stop()
            try await calls.part.run(life)
            try await payments.stop()
            try await shipments.stop()
        }

        func read(_ order: UUID) async -> (payment: Shown, shipment: Shown) {
            let (payment, shipment) = await parts.parts(of: order, deadline: time.now.advanced(by: .seconds(20)))
            return (Shown(payment), Shown(shipment))
        }

        func fallbacks(_ operation: String) -> Bool {
            String(decoding: registry.text(), as: UTF8.self).contains(
                "fallbacks_total{service=\"order-service\",operation=\"\(operation)\"}")
        }
    }

    @Test(
        "with payment-service away its part is named, and shown as last seen if it ever was; the other is not touched")
    func degraded() async throws {
        let bench = try Bench()
        let neverRead = UUID(high: 1, low: 3)
        bench.payments.show(#"{"id":"p-1","status":"captured"}"#, for: Self.order)
        bench.shipments.show(#"{"id":"s-1","status":"booked"}"#, for: Self.order)
        bench.payments.show(#"{"id":"p-2","status":"captured"}"#, for: neverRead)

        let there = await bench.read(Self.order)
        #expect(there.payment == Shown(#"{"id":"p-1","status":"captured"}"#))
        #expect(there.shipment == Shown(#"{"id":"s-1","status":"booked"}"#))
        #expect(bench.payments.targets == ["/v1/payments?orderId=\(Self.order)&limit=1"])
        #expect(bench.shipments.targets == ["/v1/shipments?orderId=\(Self.order)&limit=1"])
        #expect(!bench.fallbacks("read-payment"))

        try await bench.payments.stop()
        let away = await bench.read(Self.order)
        #expect(away.payment == Shown(#"{"id":"p-1","status":"captured"}"#, isDegraded: true))
        #expect(away.shipment == Shown(#"{"id":"s-1","status":"booked"}"#))
        #expect(bench.fallbacks("read-payment") && !bench.fallbacks("read-shipment"))
        let unseen = await bench.read(neverRead)
        #expect(unseen.payment == Shown("null", isDegraded: true))
        #expect(unseen.shipment == Shown("null"))

        bench.payments.show(#"{"id":"p-1","status":"refunded"}"#, for: Self.order)
        try bench.payments.start()
        #expect(await bench.read(Self.order).payment == Shown(#"{"id":"p-1","status":"refunded"}"#))
        try await bench.stop()
    }

    @Test("an answer that is no list counts as none; a part that is not there yet is null and no degradation")
    func answers() async throws {
        let bench = try Bench()
        bench.payments.show("{broken", for: Self.order)
        let (payment, shipment) = await bench.read(Self.order)
        #expect(payment == Shown("null", isDegraded: true))
        #expect(shipment == Shown("null"))
        try await bench.stop()
    }
}
