import Clocks
import Contracts
import Messaging
import Postgres
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@testable import ShippingService

/// shipping-service without Kafka: its messages, its worker and its database, with whichever carrier.
struct Yard: Sendable {
    let bench: ServiceBench
    let carrier: any Carrier
    let open: OpenShipments
    let worker: DueWorker<OpenShipments>
    let processor: MessageProcessor

    init(
        _ bench: ServiceBench, _ carrier: any Carrier, gate: @escaping @Sendable () -> CallAdmission = { .open },
        lease: Duration = .seconds(30)
    ) {
        self.bench = bench
        self.carrier = carrier
        var configuration = OpenShipments.Configuration()
        configuration.lease = lease
        configuration.backoff = .exponential(base: .milliseconds(5), factor: 2, cap: .milliseconds(40), jitter: 0)
        open = OpenShipments(
            carrier: carrier, gate: gate, postgres: bench.client, unitOfWork: bench.unitOfWork,
            messages: bench.messages, configuration: configuration, time: bench.time, random: SeededRandom(seed: 3),
            log: .silent)
        let worker = DueWorker(open, idleInterval: .milliseconds(50), time: bench.time, log: .silent)
        self.worker = worker
        processor = bench.processor(ShippingHandler(carrier: carrier, messages: bench.messages) { worker.notify() })
    }

    /// With a carrier over HTTP that is asked for goods every `tracking`.
    static func withHTTP(
        tracking: Duration = .milliseconds(5), _ body: @Sendable (Yard, ProviderDouble) async throws -> Void
    ) async throws {
        let double = ProviderDouble()
        try await double.run { caller in
            try await ServiceBench.with(ShippingSchema.migrations) { bench, _ in
                let carrier = HTTPCarrier(
                    caller, timeout: .seconds(5),
                    tracking: .exponential(base: tracking, factor: 1, cap: tracking, jitter: 0), time: bench.time,
                    random: SeededRandom(seed: 4))
                try await body(Yard(bench, carrier, gate: { caller.admission }), double)
            }
        }
    }

    /// Runs the worker beside `body`.
    func working(_ body: () async throws -> Void) async throws {
        let running = Task { await worker.run() }
        defer { running.cancel() }
        try await body()
        running.cancel()
        await running.value
    }

    func book(_ order: UUID, country: String = "DE") -> IncomingMessage {
        let address = Address(name: "N", street: "S 1", city: "C", postalCode: "12345", country: country)
        let command = BookShipment(orderID: order, shipTo: address, lines: [OrderLine(sku: "A", quantity: 1)])
        return bench.command(MessageType.bookShipment, to: .shippingCommands, order, command.encoded)
    }

    func cancel(_ order: UUID) -> IncomingMessage {
        bench.command(
            MessageType.cancelShipment, to: .shippingCommands, order, CancelShipment(orderID: order).encoded)
    }

    func confirmed(_ order: UUID) -> IncomingMessage {
        let fact = OrderFact(orderID: order, at: bench.messages.wallNow)
        return bench.command(MessageType.orderConfirmed, to: .orderEvents, order, fact.encoded)
    }

    func status(_ order: UUID) async throws -> String {
        try await bench.value(
            "SELECT coalesce(max(status), 'none') FROM shipments WHERE order_id = $1::uuid", [.uuid(order)])
    }

    func id(_ order: UUID) async throws -> UUID {
        try await bench.client.query(
            Statement("SELECT id FROM shipments WHERE order_id = $1::uuid", [.uuid(order)]))[0].uuid(0)
    }

    /// What is claimed is due again, as after the end of the claim.
    func endClaims() async throws {
        try await bench.run(
            "UPDATE shipments SET due_at = statement_timestamp(), claimed_until = statement_timestamp() WHERE due_at IS NOT NULL"
        )
    }

    func settled(_ order: UUID, replies: Int) async throws {
        try await bench.eventually("order \(order) has \(replies) replies") {
            try await bench.replies(order).count >= replies
        }
    }
}
