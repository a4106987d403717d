import Clocks
import Testing

@testable import ProviderSimulator

@Suite("API: charges", .timeLimit(.minutes(2)))
struct ChargeRoutesTests {
    @Test("a charge is answered whole, and its repeat with 200")
    func charge() async throws {
        try await ProviderFixture.run { provider async throws in
            let answer = try await provider.charge("pay-1")
            #expect(answer.status == 201)
            let charge = try #require(try await provider.charge(of: "pay-1"))
            #expect(
                answer.body == #"{"id":"\#(charge.id)","key":"pay-1","status":"captured","#
                    + #""amount":{"amount":3998,"currency":"EUR"},"captured":{"amount":3998,"currency":"EUR"},"#
                    + #""refunded":{"amount":0,"currency":"EUR"},"reason":null,"reference":"o-1","#
                    + #""createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"}"#)
            let repeated = try await provider.ask(
                "POST", "/v1/charges", key: "pay-1",
                body: #"{ "reference":"o-1", "token":"tok_ok", "amount":{"currency":"EUR","amount":3998} }"#)
            #expect(repeated.status == 200 && repeated.body == answer.body)
            let found = try await provider.ask("GET", "/v1/charges/pay-1")
            #expect(found.status == 200 && found.body == answer.body)
        }
    }

    @Test("what is refused changes nothing and says why")
    func refused() async throws {
        try await ProviderFixture.run { provider async throws in
            let keyless = try await provider.ask("POST", "/v1/charges", body: ProviderFixture.chargeBody())
            #expect(keyless.status == 400 && keyless.slug == "idempotency-key-missing")
            let invalid = try await provider.ask(
                "POST", "/v1/charges", key: "k",
                body: #"{"amount":{"amount":0,"currency":"eur"},"token":"","reference":"a b","more":1}"#)
            #expect(invalid.status == 422)
            #expect(
                invalid.pointers == ["#/amount/amount", "#/amount/currency", "#/token", "#/reference", "#/more"])
            _ = try await provider.charge("k")
            let reused = try await provider.charge("k", amount: 1)
            #expect(reused.status == 422 && reused.slug == "idempotency-key-reused")
            for target in ["/v1/charges/nobody", "/v1/charges/a%20b", "/v1/refunds/nobody"] {
                let missing = try await provider.ask("GET", target)
                #expect(missing.status == 404 && missing.slug == "not-found")
            }
            #expect(try await provider.keeper.read { $0.charges.count } == 1)
        }
    }

    @Test("a declined charge says why")
    func declined() async throws {
        try await ProviderFixture.run { provider async throws in
            let answer = try await provider.charge("k", "tok_declined")
            #expect(answer.status == 201 && answer.json?["status"]?.string == "declined")
            #expect(answer.json?["reason"]?.string == "card-declined")
        }
    }

    @Test("a lost answer has not a byte, and the money is taken; asking again tells")
    func lost() async throws {
        try await ProviderFixture.run { provider async throws in
            let answer = try await provider.charge("k", "tok_lost")
            #expect(answer.text == "" && answer.ending == 0)
            #expect(try await provider.ask("GET", "/v1/charges/k").json?["status"]?.string == "captured")
            #expect(try await provider.charge("k", "tok_lost").status == 200)
            #expect(provider.injected("charges", "lost-token") == 1)
        }
    }

    @Test("an error after the money was taken comes once")
    func failing() async throws {
        try await ProviderFixture.run { provider async throws in
            let answer = try await provider.charge("k", "tok_500")
            #expect(answer.status == 500 && answer.slug == "injected-fault")
            let repeated = try await provider.charge("k", "tok_500")
            #expect(repeated.status == 200 && repeated.json?["status"]?.string == "captured")
        }
    }

    @Test("the flaky token answers 503 twice without effect")
    func flaky() async throws {
        try await ProviderFixture.run { provider async throws in
            for _ in 1...2 {
                let answer = try await provider.charge("k", "tok_flaky")
                #expect(answer.status == 503 && answer.field("Retry-After") == "1")
                #expect(try await provider.ask("GET", "/v1/charges/k").status == 404)
            }
            #expect(try await provider.charge("k", "tok_flaky").status == 201)
        }
    }

    @Test("a slow charge is pending until its answer says that it is captured")
    func slow() async throws {
        try await ProviderFixture.run { provider async throws in
            let waiting = try provider.open(
                "POST", "/v1/charges", key: "k", body: ProviderFixture.chargeBody("tok_slow"))
            let due = try await provider.time.nextTimerScheduled()
            #expect(try await provider.ask("GET", "/v1/charges/k").json?["status"]?.string == "pending")
            #expect(try await provider.charge("k", "tok_slow").json?["status"]?.string == "pending")
            provider.time.advance(to: due)
            let answer = await waiting.readToEnd()
            #expect(answer.status == 201 && answer.json?["status"]?.string == "captured")
        }
    }

    @Test("a slow charge that is reversed meanwhile says so")
    func slowReversed() async throws {
        try await ProviderFixture.run { provider async throws in
            let waiting = try provider.open(
                "POST", "/v1/charges", key: "k", body: ProviderFixture.chargeBody("tok_slow"))
            let due = try await provider.time.nextTimerScheduled()
            #expect(try await provider.ask("POST", "/v1/charges/k/reversal").json?["status"]?.string == "reversed")
            provider.time.advance(to: due)
            #expect(await waiting.readToEnd().json?["status"]?.string == "reversed")
            #expect(try await provider.charge(of: "k")?.captured == 0)
        }
    }

    @Test("reversing twice gives back once; a key reversed first never captures")
    func reversal() async throws {
        try await ProviderFixture.run { provider async throws in
            _ = try await provider.charge("k")
            let reversed = try await provider.ask("POST", "/v1/charges/k/reversal", body: "{}")
            #expect(reversed.status == 200 && reversed.json?["refunded"]?["amount"]?.int64 == 3998)
            #expect(try await provider.ask("POST", "/v1/charges/k/reversal").body == reversed.body)
            let more = try await provider.ask("POST", "/v1/charges/k/reversal", body: #"{"amount":1}"#)
            #expect(more.status == 422 && more.pointers == ["#/amount"])

            let tombstone = try await provider.ask("POST", "/v1/charges/early/reversal")
            #expect(tombstone.status == 200 && tombstone.json?["status"]?.string == "reversed")
            for member in ["amount", "captured", "refunded", "reference"] {
                #expect(tombstone.json?.member(named: member)?.isNull == true)
            }
            let late = try await provider.charge("early")
            #expect(late.status == 409 && late.slug == "charge-reversed")
            #expect(try await provider.ask("GET", "/v1/charges/early").body == tombstone.body)
        }
    }

    @Test("a refund is made once, never beyond what remains")
    func refund() async throws {
        try await ProviderFixture.run { provider async throws in
            func refund(_ key: String, _ charge: String, _ amount: Int, _ currency: String = "EUR") async throws
                -> RawAnswer
            {
                try await provider.ask(
                    "POST", "/v1/refunds", key: key,
                    body: #"{"charge":"\#(charge)","amount":{"amount":\#(amount),"currency":"\#(currency)"}}"#)
            }
            _ = try await provider.charge("k")
            let first = try await refund("r", "k", 998)
            #expect(first.status == 201 && first.json?["charge"]?.string == "k")
            #expect(try await refund("r", "k", 998).status == 200)
            #expect(try await refund("r", "k", 1).slug == "idempotency-key-reused")
            let exceeding = try await refund("s", "k", 3001)
            #expect(exceeding.status == 422 && exceeding.slug == "refund-exceeds-charge")
            let foreign = try await refund("s", "k", 1, "USD")
            #expect(foreign.status == 422 && foreign.pointers == ["#/amount/currency"])
            #expect(try await refund("s", "nobody", 1).status == 404)
            _ = try await provider.charge("d", "tok_declined")
            let declined = try await refund("s", "d", 1)
            #expect(declined.status == 409 && declined.slug == "charge-not-captured")
            #expect(try await provider.ask("GET", "/v1/refunds/r").body == first.body)
            #expect(try await provider.ask("GET", "/v1/refunds").json?["items"]?.count == 1)
            #expect(try await provider.charge(of: "k")?.refunded == 998)
        }
    }

    @Test("a walk through the ledger shows each charge once, oldest first, whatever comes meanwhile")
    func walk() async throws {
        try await ProviderFixture.run { provider async throws in
            for number in 0..<7 { _ = try await provider.charge("k\(number)") }
            var keys: [String] = []
            var target: String? = "/v1/charges?limit=3"
            while let next = target {
                let page = try #require(try await provider.ask("GET", next).json)
                keys += page["items"]?.elements.compactMap { $0["key"]?.string } ?? []
                target = page["nextCursor"]?.string.map { "/v1/charges?limit=3&cursor=\($0)" }
                if keys.count == 3 { _ = try await provider.charge("k7") }
            }
            #expect(keys == (0..<8).map { "k\($0)" })
            #expect(try await provider.ask("GET", "/v1/charges?limit=0").status == 400)
            #expect(try await provider.ask("GET", "/v1/bookings?cursor=AjGesBKngBQ5UdqGzdE").status == 400)
        }
    }

    @Test("a full ledger says when to come back")
    func full() async throws {
        var rules = LedgerRules()
        rules.entryLimit = 1
        try await ProviderFixture.run(rules) { provider async throws in
            _ = try await provider.charge("a")
            let answer = try await provider.charge("b")
            #expect(answer.status == 503 && answer.slug == "overloaded" && answer.field("Retry-After") == "30")
        }
    }
}
