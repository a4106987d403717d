import Clocks
import Contracts
import Messaging
import Postgres
import TestSupport
import Testing

@testable import PaymentService

@Suite("Charges on a real database")
struct ChargeTests {
    private struct Bank: Sendable {
        let bench: ServiceBench
        let open: OpenCharges
        let processor: MessageProcessor

        init(_ bench: ServiceBench, slowness: Duration = .milliseconds(50)) {
            self.bench = bench
            let provider = BuiltinPaymentProvider(slowness: slowness, time: bench.time)
            var configuration = OpenCharges.Configuration()
            configuration.minimumBackoff = .milliseconds(5)
            let open = OpenCharges(
                provider: provider, postgres: bench.client, unitOfWork: bench.unitOfWork, messages: bench.messages,
                configuration: configuration, time: bench.time, log: .silent)
            self.open = open
            processor = bench.processor(
                PaymentCommandHandler(provider: provider, messages: bench.messages) { open.notify() })
        }

        func charge(_ order: UUID, _ token: String) -> IncomingMessage {
            let command = ChargePayment(orderID: order, amount: Money(amount: 1250, currency: "EUR"), token: token)
            return bench.command(MessageType.chargePayment, to: .paymentCommands, order, command.encoded)
        }

        func refund(_ order: UUID) -> IncomingMessage {
            bench.command(
                MessageType.refundPayment, to: .paymentCommands, order, RefundPayment(orderID: order).encoded)
        }

        func payment(_ order: UUID) async throws -> String {
            try await bench.value(
                """
                SELECT coalesce(max(concat_ws(' ', status, captured, refunded, attempts)), 'none')
                FROM payments WHERE order_id = $1::uuid
                """, [.uuid(order)])
        }
    }

    private func with(_ body: @Sendable (Bank) async throws -> Void) async throws {
        try await ServiceBench.with(PaymentSchema.migrations) { bench, _ in
            let bank = Bank(bench)
            let running = Task { await bank.open.run() }
            defer { running.cancel() }
            try await body(bank)
            running.cancel()
            await running.value
        }
    }

    @Test("what the provider knows at once is answered in the command's own transaction, and refunded once")
    func immediate() async throws {
        try await ServiceBench.with(PaymentSchema.migrations) { bench, _ in
            let bank = Bank(bench)
            let (paid, declined) = (bench.newOrder(), bench.newOrder())
            try await bank.processor.process([bank.charge(paid, "tok_ok"), bank.charge(declined, "tok_declined")])
            #expect(try await bank.payment(paid).hasPrefix("captured 1250 0"))
            #expect(try await bank.payment(declined).hasPrefix("declined 0 0"))
            #expect(try await bench.replies(declined) == ["charge-payment failed payment-declined"])
            try await bank.processor.process([bank.refund(paid), bank.refund(paid), bank.refund(declined)])
            #expect(try await bank.payment(paid).hasPrefix("refunded 1250 1250"))
            #expect(
                try await bench.replies(paid) == [
                    "charge-payment succeeded", "refund-payment succeeded", "refund-payment succeeded",
                ])
            #expect(try await bench.events(paid) == [MessageType.paymentCaptured, MessageType.paymentRefunded])
            #expect(try await bench.replies(declined).last == "refund-payment nothing-to-undo")
        }
    }

    @Test("a slow charge is answered once the provider has spoken, and a repeat of its command gets that answer")
    func slow() async throws {
        try await with { bank in
            let order = bank.bench.newOrder()
            let command = bank.charge(order, "tok_slow")
            try await bank.processor.process([command])
            try await bank.processor.process([command])
            try await bank.bench.eventually("the charge is answered") { try await !bank.bench.replies(order).isEmpty }
            #expect(try await bank.payment(order) == "captured 1250 0 1")
            try await bank.processor.process([command])
            #expect(
                try await bank.bench.replies(order) == ["charge-payment succeeded", "charge-payment succeeded"])
            #expect(try await bank.bench.events(order) == [MessageType.paymentCaptured])
        }
    }

    @Test("a provider that fails twice is asked a third time")
    func flaky() async throws {
        try await with { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order, "tok_flaky")])
            try await bank.bench.eventually("the charge is answered") { try await !bank.bench.replies(order).isEmpty }
            #expect(try await bank.payment(order) == "captured 1250 0 3")
            #expect(try await bank.bench.replies(order) == ["charge-payment succeeded"])
        }
    }

    @Test("a refund that overtakes a slow charge is answered after the capture, and the money goes back")
    func refundWhilePending() async throws {
        try await with { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order, "tok_slow")])
            try await bank.processor.process([bank.refund(order)])
            try await bank.bench.eventually("both are answered") { try await bank.bench.replies(order).count == 2 }
            #expect(
                try await bank.bench.replies(order) == ["charge-payment succeeded", "refund-payment succeeded"])
            #expect(try await bank.payment(order) == "refunded 1250 1250 1")
            #expect(
                try await bank.bench.events(order) == [MessageType.paymentCaptured, MessageType.paymentRefunded])
        }
    }

    @Test("a charge that comes after its refund takes no money")
    func voided() async throws {
        try await with { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.refund(order)])
            try await bank.processor.process([bank.charge(order, "tok_ok")])
            #expect(try await bank.payment(order) == "none")
            #expect(
                try await bank.bench.replies(order) == [
                    "refund-payment nothing-to-undo", "charge-payment failed timed-out",
                ])
        }
    }
}
