import Clocks
import Contracts
import Testing

@testable import PaymentService

@Suite("The payment ledger")
struct PaymentLedgerTests {
    private let provider = BuiltinPaymentProvider(slowness: .seconds(2), time: SystemTime())

    private func payment(_ token: String, order: UInt64 = 1) -> Payment {
        Payment(
            id: UUID(high: 9, low: order), orderID: UUID(high: 0, low: order), status: .pending,
            amount: Money(amount: 500, currency: "EUR"), token: token, chargeCommand: UUID(high: 5, low: order))
    }

    private func said(_ ledger: PaymentLedger) -> [String] {
        ledger.replies.map {
            "\($0.reply.command) \($0.reply.outcome.rawValue)\($0.reply.reason.map { " " + $0.rawValue } ?? "")"
        }
    }

    private func happened(_ ledger: PaymentLedger) -> [String] { ledger.events.map(\.fact.type) }

    private var order: UUID { UUID(high: 0, low: 1) }
    private var command: UUID { UUID(high: 6, low: 1) }

    @Test("tok_ok is captured at once")
    func captures() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        ledger.charge(payment("tok_ok"), provider: provider)
        let made = ledger.payment(of: order)
        #expect(made?.status == .captured && made?.captured == 500 && made?.attempts == 1)
        #expect(made?.providerReference != nil && made?.due == .never)
        #expect(said(ledger) == ["charge-payment succeeded"])
        #expect(happened(ledger) == [MessageType.paymentCaptured])
        #expect(!ledger.isProviderNeeded)
    }

    @Test("every token that is not listed is declined", arguments: ["tok_declined", "tok_OK", "x", "tok_"])
    func declines(token: String) {
        var ledger = PaymentLedger(payments: [:], voided: [])
        ledger.charge(payment(token), provider: provider)
        #expect(ledger.payment(of: order)?.captured == 0)
        #expect(ledger.payment(of: order)?.due == .never)
        #expect(said(ledger) == ["charge-payment failed payment-declined"])
        ledger.charge(payment(token), provider: provider)
        #expect(said(ledger).last == "charge-payment failed payment-declined")
    }

    @Test("tok_slow and tok_flaky wait for the provider", arguments: ["tok_slow", "tok_flaky"])
    func waits(token: String) {
        var ledger = PaymentLedger(payments: [:], voided: [])
        ledger.charge(payment(token), provider: provider)
        #expect(ledger.payment(of: order)?.due == .nudged, "due at once, so that a crash forgets nothing")
        #expect(ledger.payment(of: order)?.attempts == 0, "nobody was asked yet")
        #expect(said(ledger).isEmpty && ledger.isProviderNeeded)
    }

    @Test("an order is charged once however often it is asked")
    func chargesOnce() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        ledger.charge(payment("tok_ok"), provider: provider)
        ledger.charge(payment("tok_ok"), provider: provider)
        #expect(said(ledger) == ["charge-payment succeeded", "charge-payment succeeded"])
        #expect(happened(ledger) == [MessageType.paymentCaptured])
        #expect(ledger.created == [order])
    }

    @Test("a refund gives back what was taken, once")
    func refunds() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        ledger.charge(payment("tok_ok"), provider: provider)
        ledger.refund(order, command: command, provider: provider)
        ledger.refund(order, command: command, provider: provider)
        #expect(ledger.payment(of: order)?.refunded == 500)
        #expect(happened(ledger) == [MessageType.paymentCaptured, MessageType.paymentRefunded])
        ledger.charge(payment("tok_ok"), provider: provider)
        #expect(
            said(ledger) == [
                "charge-payment succeeded", "refund-payment succeeded", "refund-payment succeeded",
                "charge-payment failed timed-out",
            ])
    }

    @Test("a refund before its charge finds nothing to undo, and the charge that follows does nothing")
    func refundFirst() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        ledger.refund(order, command: command, provider: provider)
        #expect(ledger.newlyVoided == [order])
        ledger.charge(payment("tok_ok"), provider: provider)
        #expect(said(ledger) == ["refund-payment nothing-to-undo", "charge-payment failed timed-out"])
        #expect(ledger.payment(of: order) == nil)
    }

    @Test("a refund of a charge that has not left yet ends it there and then")
    func refundOfUnsent() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        ledger.charge(payment("tok_slow"), provider: provider)
        ledger.refund(order, command: command, provider: provider)
        #expect(said(ledger) == ["charge-payment failed timed-out", "refund-payment nothing-to-undo"])
        #expect(ledger.payment(of: order)?.status == .declined && ledger.payment(of: order)?.due == .never)
        #expect(happened(ledger) == [MessageType.paymentDeclined])
    }

    @Test("a refund of a charge that may have left waits for the provider")
    func refundOfSent() {
        var sent = PaymentConversation(payment("tok_slow"))
        #expect(sent.claim() == .charge(isFirst: true))
        var ledger = PaymentLedger(payments: [order: sent.payment], voided: [])
        ledger.refund(order, command: command, provider: provider)
        #expect(ledger.payment(of: order)?.refundCommand == command)
        #expect(ledger.payment(of: order)?.due == .nudged)
        #expect(said(ledger).isEmpty)
    }

    @Test("tok_flaky is captured at the third call")
    func flaky() async throws {
        var conversation = PaymentConversation(payment("tok_flaky"))
        var captured = false
        for _ in 0..<3 {
            let claimed = conversation.claim()
            let call = try #require(claimed)
            #expect(call == .charge(isFirst: true), "nothing was done before")
            let answer = try await provider.perform(call, for: conversation.payment)
            captured = answer == .captured(reference: "builtin-\(conversation.payment.id)")
            _ = conversation.hear(answer, to: call)
        }
        #expect(captured && conversation.payment.attempts == 3)
    }
}
