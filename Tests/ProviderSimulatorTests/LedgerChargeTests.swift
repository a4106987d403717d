import Clocks
import Contracts
import Testing

@testable import ProviderSimulator

@Suite("Ledger: charges")
struct LedgerChargeTests {
    @Test(
        "what a token stands for decides",
        arguments: [
            ("tok_ok", "made captured plain", 3998), ("tok_declined", "made declined plain", 0),
            ("tok_whatever", "made declined plain", 0), ("tok_slow", "made pending whenDecided", 0),
            ("tok_pending", "made pending plain", 0), ("tok_flaky", "refused", 0),
            ("tok_lost", "made captured lost", 3998), ("tok_500", "made captured failing", 3998),
        ])
    func tokens(token: String, outcome: String, captured: Int64) {
        var fixture = LedgerFixture()
        #expect(fixture.charge("k", token).name == outcome)
        #expect(fixture.ledger.charges["k"]?.captured ?? 0 == captured)
        #expect(fixture.ledger.charges["k"]?.reason == (outcome.contains("declined") ? "card-declined" : nil))
    }

    @Test(
        "a repeated key gives the charge as it now is, and is counted",
        arguments: ["tok_ok", "tok_declined", "tok_slow", "tok_pending", "tok_lost", "tok_500"])
    func repeated(token: String) {
        var fixture = LedgerFixture()
        let first = fixture.charge("k", token).charge
        #expect(fixture.charge("k", token) == .known(first!))
        fixture.pass(.seconds(10))
        #expect(fixture.charge("k", token) == .known(fixture.ledger.charges["k"]!))
        #expect(fixture.ledger.charges.count == 1)
        #expect(fixture.ledger.sums.duplicates == [.charge: 2])
    }

    @Test("another request under a known key changes nothing")
    func reusedKey() {
        var fixture = LedgerFixture()
        let charge = fixture.charge("k").charge
        #expect(fixture.charge("k", amount: 1) == .keyReused)
        #expect(fixture.charge("k", "tok_declined") == .keyReused)
        #expect(fixture.ledger.charges["k"] == charge)
        #expect(fixture.ledger.sums.duplicates.isEmpty)
    }

    @Test("the flaky token is refused twice for each key, and then it is as if nothing had been")
    func flaky() {
        var fixture = LedgerFixture()
        for key in ["a", "b"] {
            for _ in 1...2 {
                #expect(fixture.charge(key, "tok_flaky") == .refused)
                #expect(fixture.ledger.charges[key] == nil)
            }
            #expect(fixture.charge(key, "tok_flaky").name == "made captured plain")
        }
        #expect(fixture.ledger.refusals.isEmpty)
    }

    @Test("a pending charge is captured when its time has come, not earlier, once")
    func pending() {
        var fixture = LedgerFixture()
        _ = fixture.charge("k", "tok_pending")
        #expect(fixture.ledger.nextDue == fixture.now.advanced(by: .seconds(3)))
        fixture.pass(.milliseconds(2999))
        #expect(fixture.ledger.charges["k"]?.status == .pending)
        fixture.pass(.milliseconds(1))
        #expect(fixture.ledger.charges["k"]?.status == .captured)
        let captured = fixture.ledger.charges["k"]
        fixture.pass(.seconds(60))
        #expect(fixture.ledger.charges["k"] == captured && fixture.ledger.nextDue == nil)
    }

    @Test(
        "a reversal gives back what was taken and lets nothing be taken",
        arguments: [
            ("tok_ok", Charge.Status.reversed, 3998), ("tok_pending", .reversed, 0), ("tok_slow", .reversed, 0),
            ("tok_declined", .declined, 0),
        ])
    func reversal(token: String, status: Charge.Status, refunded: Int64) {
        var fixture = LedgerFixture()
        _ = fixture.charge("k", token)
        let reversed = fixture.reverse("k")
        #expect(reversed?.status == status && reversed?.refunded == refunded)
        #expect(fixture.reverse("k") == reversed)
        fixture.pass(.seconds(60))
        #expect(fixture.ledger.charges["k"] == reversed)
    }

    @Test("a reversal gives back what partial refunds have left")
    func reversalAfterRefund() {
        var fixture = LedgerFixture()
        _ = fixture.charge("k")
        _ = fixture.refund("r", of: "k", 1000)
        #expect(fixture.reverse("k")?.refunded == 3998)
    }

    @Test("a key that was reversed before its charge came never captures")
    func tombstone() {
        var fixture = LedgerFixture()
        let tombstone = fixture.reverse("k")
        #expect(tombstone?.isTombstone == true && tombstone?.status == .reversed && tombstone?.captured == 0)
        for token in TestToken.allCases { #expect(fixture.charge("k", token.rawValue) == .reversedBefore) }
        #expect(fixture.reverse("k") == tombstone)
        #expect(fixture.ledger.sums.chargeTombstones == 1 && fixture.ledger.sums.charges.isEmpty)
    }

    @Test("the ledger takes no more than its limit, but what is known is still answered and undone")
    func full() {
        var rules = LedgerRules()
        rules.entryLimit = 2
        var fixture = LedgerFixture(rules)
        _ = fixture.charge("a")
        #expect(fixture.charge("f", "tok_flaky") == .refused)
        #expect(fixture.charge("c") == .ledgerFull)
        #expect(fixture.reverse("unknown") == nil)
        #expect(fixture.book("s") == .ledgerFull && fixture.cancel("s") == .ledgerFull)
        #expect(fixture.refund("r", of: "a", 1) == .ledgerFull)
        #expect(fixture.charge("a").name == "known captured")
        #expect(fixture.charge("f", "tok_flaky") == .refused)
        #expect(fixture.charge("f", "tok_flaky").name == "made captured plain")
        #expect(fixture.reverse("a")?.status == .reversed)
    }
}

@Suite("Ledger: refunds")
struct LedgerRefundTests {
    @Test("parts go back until nothing remains, each once")
    func parts() throws {
        var fixture = LedgerFixture()
        _ = fixture.charge("k")
        guard case .made(let first) = fixture.refund("r1", of: "k", 3000) else {
            Issue.record("no refund")
            return
        }
        #expect(fixture.refund("r1", of: "k", 3000) == .known(first))
        #expect(fixture.refund("r1", of: "k", 2000) == .keyReused)
        #expect(fixture.refund("r2", of: "k", 999) == .exceeds(remaining: 998))
        guard case .made = fixture.refund("r2", of: "k", 998) else {
            Issue.record("no refund")
            return
        }
        #expect(fixture.refund("r3", of: "k", 1) == .exceeds(remaining: 0))
        let charge = try #require(fixture.ledger.charges["k"])
        #expect(charge.status == .captured && charge.refunded == 3998)
        #expect(fixture.ledger.sums.refunds == 2 && fixture.ledger.sums.duplicates == [.refund: 1])
    }

    @Test("only captured money in its own currency goes back")
    func refused() {
        var fixture = LedgerFixture()
        #expect(fixture.refund("r", of: "k", 1) == .unknownCharge)
        _ = fixture.charge("k")
        #expect(fixture.refund("r", of: "k", 1, currency: "USD") == .otherCurrency("EUR"))
        _ = fixture.reverse("k")
        #expect(fixture.refund("r", of: "k", 1) == .notCaptured(.reversed))
        _ = fixture.charge("p", "tok_pending")
        #expect(fixture.refund("r", of: "p", 1) == .notCaptured(.pending))
        _ = fixture.charge("d", "tok_declined")
        #expect(fixture.refund("r", of: "d", 1) == .notCaptured(.declined))
        _ = fixture.reverse("t")
        #expect(fixture.refund("r", of: "t", 1) == .unknownCharge)
        #expect(fixture.ledger.refunds.count == 0)
    }
}
