import Clocks
import Contracts
import Testing

@testable import PaymentService

@Suite("The payment ledger")
struct PaymentLedgerTests {
    private let now = Timestamp(microseconds: 0)
    private let provider = BuiltinPaymentProvider(slowness: .seconds(2), time: SystemTime())

    private func payment(_ token: String, order: UInt64 = 1) -> Payment {
        Payment(
            id: UUID(high: 9, low: order), orderID: UUID(high: 0, low: order), status: .pending,
            amount: Money(amount: 500, currency: "EUR"), captured: 0, refunded: 0, token: token,
            providerReference: nil, attempts: 0, reason: nil, chargeCommand: UUID(high: 5, low: order),
            refundCommand: nil, dueAt: nil)
    }

    private var order: UUID { UUID(high: 0, low: 1) }
    private var command: UUID { UUID(high: 6, low: 1) }

    @Test("tok_ok is captured at once")
    func captures() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        #expect(ledger.charge(payment("tok_ok"), provider: provider, now: now) == .captured(isNew: true))
        let made = ledger.payment(of: order)
        #expect(made?.status == .captured && made?.captured == 500 && made?.attempts == 1)
        #expect(made?.providerReference != nil)
    }

    @Test("every token that is not listed is declined", arguments: ["tok_declined", "tok_OK", "x", "tok_"])
    func declines(token: String) {
        var ledger = PaymentLedger(payments: [:], voided: [])
        #expect(ledger.charge(payment(token), provider: provider, now: now) == .declined(isNew: true))
        #expect(ledger.payment(of: order)?.captured == 0)
    }

    @Test("tok_slow and tok_flaky wait for the provider", arguments: ["tok_slow", "tok_flaky"])
    func waits(token: String) {
        var ledger = PaymentLedger(payments: [:], voided: [])
        #expect(ledger.charge(payment(token), provider: provider, now: now) == .pending)
        #expect(ledger.payment(of: order)?.dueAt == now, "due at once, so that a crash forgets nothing")
    }

    @Test("an order is charged once however often it is asked")
    func chargesOnce() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        _ = ledger.charge(payment("tok_ok"), provider: provider, now: now)
        #expect(ledger.charge(payment("tok_ok"), provider: provider, now: now) == .captured(isNew: false))
        #expect(ledger.created == [order])
    }

    @Test("a refund gives back what was taken, once")
    func refunds() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        _ = ledger.charge(payment("tok_ok"), provider: provider, now: now)
        #expect(ledger.refund(order, command: command) == .refunded(isNew: true))
        #expect(ledger.refund(order, command: command) == .refunded(isNew: false))
        #expect(ledger.payment(of: order)?.refunded == 500)
        #expect(ledger.charge(payment("tok_ok"), provider: provider, now: now) == .voided)
    }

    @Test("a refund before its charge finds nothing to undo, and the charge that follows does nothing")
    func refundFirst() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        #expect(ledger.refund(order, command: command) == .nothingToUndo)
        #expect(ledger.newlyVoided == [order])
        #expect(ledger.charge(payment("tok_ok"), provider: provider, now: now) == .voided)
        #expect(ledger.payment(of: order) == nil)
    }

    @Test("a refund of a charge that is not decided waits for the decision")
    func refundOfPending() {
        var ledger = PaymentLedger(payments: [:], voided: [])
        _ = ledger.charge(payment("tok_slow"), provider: provider, now: now)
        #expect(ledger.refund(order, command: command) == .pending)
        #expect(ledger.payment(of: order)?.refundCommand == command)
    }

    @Test("tok_flaky is captured at the third call")
    func flaky() async throws {
        var open = payment("tok_flaky")
        var answers: [ProviderAnswer] = []
        for _ in 0..<3 {
            answers.append(try await provider.charge(open))
            open.attempts += 1
        }
        #expect(answers == [.unavailable, .unavailable, .captured(reference: "builtin-\(open.id)")])
    }
}
