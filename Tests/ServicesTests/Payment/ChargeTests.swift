import Clocks
import Contracts
import Messaging
import Postgres
import TestSupport
import Testing

@testable import PaymentService

/// What payment-service promises the saga, whoever moves the money.
@Suite("Charges on a real database", .timeLimit(.minutes(2)))
struct ChargeTests {
    enum Provider: String, CaseIterable { case builtin, http }

    private func with(
        _ provider: Provider, slowness: Duration = .milliseconds(50), _ body: @Sendable (Bank) async throws -> Void
    ) async throws {
        switch provider {
        case .builtin:
            try await Bank.withBuiltin(slowness: slowness) { bank in
                try await bank.working { try await body(bank) }
            }
        case .http: try await Bank.withHTTP { bank, _ in try await bank.working { try await body(bank) } }
        }
    }

    @Test("an order is charged and refunded once, and what is declined takes nothing", arguments: Provider.allCases)
    func chargeAndRefund(provider: Provider) async throws {
        try await with(provider) { bank in
            let (paid, declined) = (bank.bench.newOrder(), bank.bench.newOrder())
            try await bank.processor.process([bank.charge(paid), bank.charge(declined, "tok_declined")])
            try await bank.settled(paid, replies: 1)
            try await bank.settled(declined, replies: 1)
            #expect(try await bank.payment(paid) == "captured 1250 0 1")
            #expect(try await bank.payment(declined) == "declined 0 0 1")
            #expect(try await bank.bench.replies(declined) == ["charge-payment failed payment-declined"])
            let refund = bank.refund(paid)
            try await bank.processor.process([refund, bank.refund(declined)])
            try await bank.settled(paid, replies: 2)
            #expect(try await bank.payment(paid) == "refunded 1250 1250 1")
            try await bank.processor.process([refund, bank.refund(paid)])
            #expect(
                try await bank.bench.replies(paid)
                    == ["charge-payment succeeded"] + Array(repeating: "refund-payment succeeded", count: 3))
            #expect(
                try await bank.bench.events(paid) == [MessageType.paymentCaptured, MessageType.paymentRefunded])
            #expect(try await bank.bench.replies(declined).last == "refund-payment nothing-to-undo")
        }
    }

    @Test("a repeat of a command gets the answer the first one got", arguments: Provider.allCases)
    func repeats(provider: Provider) async throws {
        try await with(provider) { bank in
            let order = bank.bench.newOrder()
            let command = bank.charge(order, provider == .builtin ? "tok_slow" : "tok_ok")
            try await bank.processor.process([command])
            try await bank.processor.process([command])
            try await bank.settled(order, replies: 1)
            #expect(try await bank.payment(order) == "captured 1250 0 1")
            try await bank.processor.process([command])
            let replies = try await bank.bench.replies(order)
            #expect(Set(replies) == ["charge-payment succeeded"] && replies.count >= 2)
            #expect(try await bank.bench.events(order) == [MessageType.paymentCaptured])
        }
    }

    @Test("a charge that comes after its refund takes no money", arguments: Provider.allCases)
    func voided(provider: Provider) async throws {
        try await with(provider) { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.refund(order)])
            try await bank.processor.process([bank.charge(order)])
            #expect(try await bank.payment(order) == "none")
            #expect(
                try await bank.bench.replies(order) == [
                    "refund-payment nothing-to-undo", "charge-payment failed timed-out",
                ])
        }
    }

    @Test("a refund that overtakes a charge that has not left ends it", arguments: Provider.allCases)
    func refundOfUnsent(provider: Provider) async throws {
        let body: @Sendable (Bank) async throws -> Void = { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order, "tok_slow")])
            try await bank.processor.process([bank.refund(order)])
            #expect(
                try await bank.bench.replies(order).sorted() == [
                    "charge-payment failed timed-out", "refund-payment nothing-to-undo",
                ])
            try await bank.working {
                let next = try await bank.open.untilNextDue()
                #expect(next == nil, "nothing is left to be asked")
            }
            #expect(try await bank.payment(order) == "declined 0 0 0")
        }
        switch provider {
        case .builtin: try await Bank.withBuiltin(body)
        case .http:
            try await Bank.withHTTP { bank, double in
                try await body(bank)
                #expect(double.calls.isEmpty)
            }
        }
    }

    @Test("what the builtin provider knows at once is answered in the command's own transaction")
    func immediate() async throws {
        try await Bank.withBuiltin { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order), bank.refund(order)])
            #expect(try await bank.payment(order) == "refunded 1250 1250 1")
            #expect(
                try await bank.bench.replies(order) == ["charge-payment succeeded", "refund-payment succeeded"])
            #expect(try await bank.open.claim(limit: 10).isEmpty)
        }
    }

    @Test("a provider that fails twice is asked a third time")
    func flaky() async throws {
        try await with(.builtin) { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order, "tok_flaky")])
            try await bank.settled(order, replies: 1)
            #expect(try await bank.payment(order) == "captured 1250 0 3")
            #expect(try await bank.bench.replies(order) == ["charge-payment succeeded"])
        }
    }

    @Test("a refund that overtakes a charge under way is answered after the capture, and the money goes back")
    func refundWhilePending() async throws {
        // Long enough to be seen under way on a busy machine.
        try await with(.builtin, slowness: .seconds(1)) { bank in
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order, "tok_slow")])
            try await bank.bench.eventually("the charge has left") { try await bank.payment(order) == "pending 0 0 1" }
            try await bank.processor.process([bank.refund(order)])
            try await bank.settled(order, replies: 2)
            #expect(
                try await bank.bench.replies(order) == ["charge-payment succeeded", "refund-payment succeeded"])
            #expect(try await bank.payment(order) == "refunded 1250 1250 1")
            #expect(
                try await bank.bench.events(order) == [MessageType.paymentCaptured, MessageType.paymentRefunded])
        }
    }
}
