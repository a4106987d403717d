import Clocks
import Contracts
import Messaging
import Postgres
import ServiceChassis
import TestSupport
import Testing

@testable import PaymentService

/// Calls to a provider over HTTP that go wrong, and workers that die between any two steps.
@Suite("Charges in doubt", .serialized, .timeLimit(.minutes(3)))
struct InDoubtTests {
    typealias Fault = ProviderDouble.Fault

    private struct Outcome {
        var payment: String
        var calls: [String]
        var replies: [String]
        var entry: ProviderDouble.Entry?
    }

    /// Charges an order while calls go wrong, and what its payment and the provider's calls came to.
    private func charge(
        _ bank: Bank, _ double: ProviderDouble, _ faults: [(String, Fault)], refunds: Bool = false
    ) async throws -> Outcome {
        let earlier = double.calls.count
        for (operation, fault) in faults { double.fail(operation, fault) }
        let order = bank.bench.newOrder()
        try await bank.processor.process([bank.charge(order)])
        try await bank.settled(order, replies: 1)
        if refunds {
            try await bank.processor.process([bank.refund(order)])
            try await bank.settled(order, replies: 2)
        }
        double.arrive()
        return Outcome(
            payment: try await bank.payment(order), calls: Array(double.calls.dropFirst(earlier)),
            replies: try await bank.bench.replies(order), entry: double.entry(try await bank.id(order)))
    }

    private func working(_ body: @Sendable (Bank, ProviderDouble) async throws -> Void) async throws {
        try await Bank.withHTTP { bank, double in try await bank.working { try await body(bank, double) } }
    }

    @Test("a charge that was carried out without a usable answer is found by asking, and is not sent again")
    func found() async throws {
        try await working { bank, double in
            for fault in [
                Fault.loseAnswer, .resetAfter, .truncate, .answerLate, .statusAfter(500), .statusAfter(502),
                .statusAfter(503), .statusAfter(504), .statusAfter(200), .statusAfter(409),
            ] {
                let outcome = try await charge(bank, double, [("charge", fault)])
                #expect(outcome.payment == "captured 1250 0 1", "\(fault)")
                #expect(outcome.calls == ["charge", "query-charge"], "\(fault)")
                #expect(outcome.replies == ["charge-payment succeeded"], "\(fault)")
                #expect(outcome.entry?.effects == 1, "\(fault)")
            }
        }
    }

    @Test("a charge that may have been carried out is sent again only after the provider knows nothing of it")
    func notFound() async throws {
        try await working { bank, double in
            for fault in [Fault.resetBefore, .statusBefore(500), .statusBefore(503)] {
                let outcome = try await charge(bank, double, [("charge", fault)])
                #expect(outcome.payment == "captured 1250 0 2", "\(fault)")
                #expect(outcome.calls == ["charge", "query-charge", "charge"], "\(fault)")
                #expect(outcome.entry?.effects == 1, "\(fault)")
            }
        }
    }

    @Test("an answer that says that nothing was done is enough to send the charge again")
    func noEffect() async throws {
        try await working { bank, double in
            for fault in [
                Fault.throttle(retryAfter: "0"), .throttle(retryAfter: "Sun, 06 Nov 1994 08:49:37 GMT"), .overloaded,
            ] {
                let outcome = try await charge(bank, double, [("charge", fault)])
                #expect(outcome.payment == "captured 1250 0 1", "\(fault)")
                #expect(outcome.calls == ["charge", "charge"], "no query: there is nothing to find out, \(fault)")
                #expect(outcome.entry?.effects == 1, "\(fault)")
            }
        }
    }

    @Test("an untrue answer to a query never takes the money twice")
    func lies() async throws {
        try await working { bank, double in
            for fault in [Fault.lie(nil), .lie("pending"), .lie("reversed"), .statusAfter(404)] {
                let outcome = try await charge(bank, double, [("charge", .loseAnswer), ("query-charge", fault)])
                #expect(outcome.entry?.effects == 1, "\(fault)")
                #expect(outcome.payment.hasPrefix("captured 1250 0"), "\(fault)")
                #expect(outcome.replies == ["charge-payment succeeded"], "\(fault)")
            }
        }
    }

    @Test("a charge that the provider holds back is asked about until it is decided")
    func held() async throws {
        try await Bank.withHTTP { bank, double in
            double.fail("charge", .hold)
            let order = bank.bench.newOrder()
            try await bank.working {
                try await bank.processor.process([bank.charge(order)])
                try await bank.bench.eventually("it was asked about twice") {
                    double.calls.filter { $0 == "query-charge" }.count >= 2
                }
                #expect(try await bank.payment(order) == "pending 0 0 1")
                double.decide()
                try await bank.settled(order, replies: 1)
            }
            #expect(try await bank.payment(order) == "captured 1250 0 1")
            #expect(!double.calls.dropFirst().contains("charge"))
        }
    }

    @Test("in doubt is what the payment is until the provider can be asked, and its refund waits for that")
    func visible() async throws {
        try await Bank.withHTTP { bank, double in
            double.fail("charge", .loseAnswer)
            double.fail("query-charge", .statusBefore(500), .statusBefore(500), .statusBefore(500))
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order)])
            for item in try await bank.open.claim(limit: 1) { await bank.open.work(on: item) }
            #expect(try await bank.payment(order) == "in-doubt 0 0 1")
            try await bank.processor.process([bank.refund(order)])
            #expect(try await bank.bench.replies(order).isEmpty)
            for item in try await bank.open.claim(limit: 1) { await bank.open.work(on: item) }
            #expect(try await bank.payment(order) == "in-doubt 0 0 1", "the query went wrong three times")
            #expect(try await bank.bench.replies(order).isEmpty)
            try await bank.working { try await bank.settled(order, replies: 2) }
            #expect(try await bank.payment(order) == "refunded 1250 1250 1")
            #expect(
                try await bank.bench.replies(order) == ["charge-payment succeeded", "refund-payment succeeded"])
            #expect(double.entry(try await bank.id(order))?.status == "reversed")
        }
    }

    @Test("a refund of a charge that the provider never got leaves a mark there, and the late charge takes nothing")
    func tombstone() async throws {
        try await Bank.withHTTP { bank, double in
            double.fail("charge", .delay)
            let order = bank.bench.newOrder()
            try await bank.processor.process([bank.charge(order)])
            for item in try await bank.open.claim(limit: 1) { await bank.open.work(on: item) }
            try await bank.processor.process([bank.refund(order)])
            try await bank.working { try await bank.settled(order, replies: 2) }
            #expect(try await bank.payment(order) == "declined 0 0 1")
            #expect(
                try await bank.bench.replies(order) == [
                    "charge-payment failed timed-out", "refund-payment nothing-to-undo",
                ])
            #expect(double.calls == ["charge", "query-charge", "reversal"])
            double.arrive()
            let entry = try #require(double.entry(try await bank.id(order)))
            #expect(entry.status == "reversed" && entry.captured == 0 && entry.effects == 0)
        }
    }

    @Test("a refund is answered only when the provider has given the money back, once")
    func refunds() async throws {
        try await working { bank, double in
            for fault in [
                Fault.loseAnswer, .resetBefore, .truncate, .answerLate, .statusAfter(500), .statusBefore(503),
                .throttle(retryAfter: "0"), .lie("captured"), .lie("pending"), .lie(nil),
            ] {
                let outcome = try await charge(bank, double, [("reversal", fault)], refunds: true)
                #expect(outcome.payment == "refunded 1250 1250 1", "\(fault)")
                #expect(outcome.replies == ["charge-payment succeeded", "refund-payment succeeded"], "\(fault)")
                #expect(outcome.entry?.status == "reversed" && outcome.entry?.refunded == 1250, "\(fault)")
            }
        }
    }

    // MARK: Crashes

    /// Between which two steps the worker dies.
    enum Death: String, CaseIterable {
        case beforeTheClaim, afterTheClaim, whileTheCallIsOnItsWay, afterTheCall, afterTheAnswer

        /// Every death of a worker, followed by every death of its successor.
        static let pairs = allCases.flatMap { first in allCases.map { (first, $0) } }
    }

    /// Takes one step of the open work and dies somewhere in it.
    private func die(_ death: Death, _ bank: Bank, _ provider: any PaymentProvider, _ double: ProviderDouble)
        async throws
    {
        guard death != .beforeTheClaim else { return }
        for item in try await bank.open.claim(limit: 1) {
            switch death {
            case .beforeTheClaim, .afterTheClaim: break
            case .whileTheCallIsOnItsWay:
                double.fail(
                    item.call == .query ? "query-charge" : item.call == .reverse ? "reversal" : "charge", .delay)
                _ = try await provider.perform(item.call, for: item.payment)
            case .afterTheCall: _ = try await provider.perform(item.call, for: item.payment)
            case .afterTheAnswer:
                _ = try await bank.open.record(try await provider.perform(item.call, for: item.payment), to: item)
            }
        }
        try await bank.endClaims()
    }

    @Test("a worker that dies at any step of a charge or a refund leaves nothing wrong")
    func crashes() async throws {
        let double = ProviderDouble()
        try await double.run { caller in
            try await ServiceBench.with(PaymentSchema.migrations) { bench, _ in
                let provider = HTTPPaymentProvider(caller, timeout: .seconds(5), time: bench.time)
                for (first, second) in Death.pairs {
                    for refunds in [false, true] {
                        let bank = Bank(bench, provider)
                        let order = bench.newOrder()
                        try await bank.processor.process([bank.charge(order)])
                        try await die(first, bank, provider, double)
                        if refunds { try await bank.processor.process([bank.refund(order)]) }
                        try await die(second, bank, provider, double)
                        let successor = Bank(bench, provider)
                        try await successor.working {
                            try await successor.settled(order, replies: refunds ? 2 : 1)
                        }
                        double.arrive()
                        try await judge(order, successor, double, refunds: refunds, "\(first), \(second), \(refunds)")
                    }
                }
            }
        }
    }

    private func judge(
        _ order: UUID, _ bank: Bank, _ double: ProviderDouble, refunds: Bool, _ what: Comment
    ) async throws {
        let payment = try await bank.payment(order).split(separator: " ")
        let entry = double.entry(try await bank.id(order))
        #expect(try await bank.bench.replies(order).count == (refunds ? 2 : 1), what)
        #expect(Int64(payment[1]) == entry?.captured ?? 0, what)
        #expect(Int64(payment[2]) == entry?.refunded ?? 0, what)
        #expect(entry?.effects ?? 0 <= 1, what)
        if refunds {
            #expect(payment[1] == payment[2] && ["refunded", "declined"].contains(payment[0]), what)
        } else {
            #expect(payment[0] == "captured", what)
        }
    }

    @Test("a worker that sleeps through its claim and then sends its charge takes nothing twice, and nothing unwanted")
    func sleeper() async throws {
        let double = ProviderDouble()
        try await double.run { caller in
            try await ServiceBench.with(PaymentSchema.migrations) { bench, _ in
                let provider = HTTPPaymentProvider(caller, timeout: .seconds(5), time: bench.time)
                for refunds in [false, true] {
                    let bank = Bank(bench, provider)
                    let order = bench.newOrder()
                    try await bank.processor.process([bank.charge(order)])
                    let asleep = try #require(try await bank.open.claim(limit: 1).first)
                    try await bank.endClaims()
                    if refunds { try await bank.processor.process([bank.refund(order)]) }
                    try await bank.working { try await bank.settled(order, replies: refunds ? 2 : 1) }
                    let before = try await bank.payment(order)
                    await bank.open.work(on: asleep)
                    #expect(try await bank.payment(order) == before)
                    try await judge(order, bank, double, refunds: refunds, "refunds: \(refunds)")
                }
            }
        }
    }

    @Test("two workers on one database call the provider once for each payment")
    func replicas() async throws {
        try await Bank.withHTTP { bank, double in
            let orders = (0..<30).map { _ in bank.bench.newOrder() }
            let second = Bank(bank.bench, bank.provider)
            try await bank.working {
                try await second.working {
                    try await bank.processor.process(orders.map { bank.charge($0) })
                    second.worker.notify()
                    for order in orders { try await bank.settled(order, replies: 1) }
                }
            }
            #expect(double.calls == Array(repeating: "charge", count: 30))
            #expect(double.entries.allSatisfy { $0.effects == 1 })
        }
    }

    @Test("while the breaker is open nothing is claimed and no attempt is spent")
    func breakerOpen() async throws {
        let double = ProviderDouble()
        try await double.run { caller in
            try await ServiceBench.with(PaymentSchema.migrations) { bench, _ in
                let provider = HTTPPaymentProvider(caller, timeout: .seconds(5), time: bench.time)
                let bank = Bank(bench, provider, gate: { caller.admission })
                caller.breaker.forceOpen()
                let order = bench.newOrder()
                try await bank.working {
                    try await bank.processor.process([bank.charge(order)])
                    #expect(bank.open.admission == .refusing(until: .distantFuture))
                    // Whoever has claimed already meets the breaker itself.
                    for item in try await bank.open.claim(limit: 1) { await bank.open.work(on: item) }
                    #expect(try await bank.payment(order) == "pending 0 0 0")
                    #expect(double.calls.isEmpty)
                    caller.breaker.reset()
                    try await bank.settled(order, replies: 1)
                }
                #expect(try await bank.payment(order) == "captured 1250 0 1")
            }
        }
    }
}
