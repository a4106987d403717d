import Clocks
import Contracts
import Messaging
import Postgres
import ServiceChassis
import Telemetry
import TestSupport
import Testing

@testable import PaymentService

/// payment-service without Kafka: its commands, its worker and its database, with whichever provider.
struct Bank: Sendable {
    let bench: ServiceBench
    let provider: any PaymentProvider
    let open: OpenPayments
    let worker: DueWorker<OpenPayments>
    let processor: MessageProcessor

    init(
        _ bench: ServiceBench, _ provider: any PaymentProvider,
        gate: @escaping @Sendable () -> CallAdmission = { .open }, lease: Duration = .seconds(30)
    ) {
        self.bench = bench
        self.provider = provider
        var configuration = OpenPayments.Configuration()
        configuration.lease = lease
        configuration.backoff = .exponential(base: .milliseconds(5), factor: 2, cap: .milliseconds(40), jitter: 0)
        open = OpenPayments(
            provider: provider, gate: gate, postgres: bench.client, unitOfWork: bench.unitOfWork,
            messages: bench.messages, configuration: configuration, time: bench.time, random: SeededRandom(seed: 3),
            log: .silent)
        let worker = DueWorker(open, idleInterval: .milliseconds(50), time: bench.time, log: .silent)
        self.worker = worker
        processor = bench.processor(
            PaymentCommandHandler(provider: provider, messages: bench.messages) { worker.notify() })
    }

    static func withBuiltin(
        slowness: Duration = .milliseconds(50), _ body: @Sendable (Bank) async throws -> Void
    ) async throws {
        try await ServiceBench.with(PaymentSchema.migrations) { bench, _ in
            try await body(Bank(bench, BuiltinPaymentProvider(slowness: slowness, time: bench.time)))
        }
    }

    static func withHTTP(_ body: @Sendable (Bank, ProviderDouble) async throws -> Void) async throws {
        let double = ProviderDouble()
        try await double.run { caller in
            try await ServiceBench.with(PaymentSchema.migrations) { bench, _ in
                let provider = HTTPPaymentProvider(caller, timeout: .seconds(5), time: bench.time)
                try await body(Bank(bench, provider, gate: { caller.admission }), double)
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

    func charge(_ order: UUID, _ token: String = "tok_ok") -> IncomingMessage {
        let command = ChargePayment(orderID: order, amount: Money(amount: 1250, currency: "EUR"), token: token)
        return bench.command(MessageType.chargePayment, to: .paymentCommands, order, command.encoded)
    }

    func refund(_ order: UUID) -> IncomingMessage {
        bench.command(MessageType.refundPayment, to: .paymentCommands, order, RefundPayment(orderID: order).encoded)
    }

    /// Status, captured, refunded and attempts.
    func payment(_ order: UUID) async throws -> String {
        try await bench.value(
            """
            SELECT coalesce(max(concat_ws(' ', status, captured, refunded, attempts)), 'none')
            FROM payments WHERE order_id = $1::uuid
            """, [.uuid(order)])
    }

    func id(_ order: UUID) async throws -> UUID {
        try await bench.client.query(
            Statement("SELECT id FROM payments WHERE order_id = $1::uuid", [.uuid(order)]))[0].uuid(0)
    }

    /// What is claimed is due again, as after the end of the claim.
    func endClaims() async throws {
        try await bench.run(
            "UPDATE payments SET due_at = statement_timestamp(), claimed_until = statement_timestamp() WHERE due_at IS NOT NULL"
        )
    }

    func settled(_ order: UUID, replies: Int) async throws {
        try await bench.eventually("order \(order) has \(replies) replies") {
            try await bench.replies(order).count >= replies
        }
    }
}
