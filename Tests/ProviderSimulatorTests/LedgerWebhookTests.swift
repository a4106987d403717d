import Clocks
import JSON
import Testing

@testable import ProviderSimulator

@Suite("Ledger: what is told")
struct LedgerWebhookTests {
    @Test("every decision is told, nothing when nobody wants to know")
    func told() {
        var fixture = LedgerFixture(.telling)
        var silent = LedgerFixture()
        for (key, token) in [("a", "tok_ok"), ("b", "tok_declined"), ("c", "tok_pending"), ("d", "tok_flaky")] {
            _ = fixture.charge(key, token)
            _ = silent.charge(key, token)
        }
        #expect(fixture.waiting == ["charge.captured", "charge.declined"])
        fixture.pass(.seconds(3))
        _ = fixture.reverse("a")
        _ = fixture.reverse("a")
        _ = fixture.reverse("unknown")
        _ = fixture.book("s")
        _ = fixture.cancel("s")
        _ = fixture.cancel("s")
        #expect(
            fixture.waiting == [
                "booking.cancelled", "charge.captured", "charge.captured", "charge.declined", "charge.reversed",
                "charge.reversed",
            ])
        _ = silent.reverse("a")
        #expect(silent.waiting.isEmpty)
    }

    @Test("a message says what changed, as it was after the change")
    func message() throws {
        var fixture = LedgerFixture(.telling)
        let charge = fixture.charge("k").charge
        let event = try #require(fixture.ledger.events.values.first)
        _ = fixture.reverse("k")
        let root = try JSONDocument(parsing: event.body).root
        #expect(root["id"]?.string == event.id && event.id.hasPrefix("evt_"))
        #expect(root["type"]?.string == "charge.captured" && root["key"]?.string == "k")
        #expect(root["at"]?.string == fixture.now.description)
        #expect(root["data"].map { Array($0.source) } == charge?.document)
    }

    @Test("an event is handed to one taker, again after a pause, and never once it was delivered")
    func claim() throws {
        var fixture = LedgerFixture(.telling)
        _ = fixture.charge("k")
        let event = try #require(fixture.ledger.claimDeliveries(now: fixture.now, limit: 10).first)
        #expect(fixture.ledger.claimDeliveries(now: fixture.now, limit: 10).isEmpty)
        fixture.end(event, isDelivered: false)
        #expect(fixture.ledger.claimDeliveries(now: fixture.now, limit: 10).isEmpty)
        let due = try #require(fixture.ledger.nextDue)
        let pause = fixture.now.duration(to: due)
        #expect(pause >= .milliseconds(250) && pause <= .milliseconds(500))
        fixture.pass(pause)
        let again = try #require(fixture.ledger.claimDeliveries(now: fixture.now, limit: 10).first)
        #expect(again.id == event.id && again.body == event.body && again.attempts == 1)
        fixture.end(again, isDelivered: true)
        fixture.pass(.seconds(3600))
        #expect(fixture.ledger.claimDeliveries(now: fixture.now, limit: 10).isEmpty)
        #expect(fixture.ledger.sums.deliveredEvents == 1 && fixture.ledger.events.isEmpty && fixture.ledger.isAtRest)
    }

    @Test("an event that had failed before a restart is claimed once after it")
    func replayedClaim() throws {
        var fixture = LedgerFixture(.telling)
        _ = fixture.charge("k")
        let event = try #require(fixture.ledger.claimDeliveries(now: fixture.now, limit: 1).first)
        fixture.end(event, isDelivered: false)
        var restored = Ledger(rules: .telling)
        for record in fixture.ledger.takeChanges().records { restored.apply(record) }
        let later = fixture.now.advanced(by: .seconds(3600))
        #expect(restored.claimDeliveries(now: later, limit: 10).map(\.id) == [event.id])
    }

    @Test("pauses double up to the longest, and after the last attempt an event is given up")
    func bound() {
        var rules = LedgerRules.telling
        rules.webhookAttempts = 10
        var fixture = LedgerFixture(rules)
        _ = fixture.charge("k")
        var pauses: [Duration] = []
        for attempt in 1...10 {
            guard let event = fixture.ledger.claimDeliveries(now: fixture.now, limit: 1).first else {
                Issue.record("no event at attempt \(attempt)")
                return
            }
            let isGivenUp = fixture.end(event, isDelivered: false)
            #expect(isGivenUp == (attempt == 10))
            guard let due = fixture.ledger.nextDue else { break }
            pauses.append(fixture.now.duration(to: due))
            fixture.now = due
        }
        #expect(pauses.count == 9)
        for (index, pause) in pauses.enumerated() {
            let whole = min(Duration.milliseconds(500) * (1 << index), .seconds(30))
            #expect(pause >= whole / 2 && pause <= whole, "pause \(index)")
        }
        #expect(fixture.ledger.sums.abandonedEvents == 1 && fixture.ledger.events.isEmpty)
    }

    @Test("an event that is put off comes back once, prepared, without an attempt counted")
    func postponed() throws {
        var fixture = LedgerFixture(.telling)
        _ = fixture.charge("k")
        let event = try #require(fixture.ledger.claimDeliveries(now: fixture.now, limit: 1).first)
        fixture.ledger.postpone(event.id, until: fixture.now.advanced(by: .seconds(2)))
        #expect(fixture.ledger.claimDeliveries(now: fixture.now, limit: 1).isEmpty)
        fixture.pass(.seconds(2))
        let again = try #require(fixture.ledger.claimDeliveries(now: fixture.now, limit: 9).first)
        #expect(again.isPrepared && again.attempts == 0)
        #expect(fixture.ledger.claimDeliveries(now: fixture.now, limit: 9).isEmpty)
    }

    @Test("a claim takes no more than asked for, oldest first")
    func limit() {
        var fixture = LedgerFixture(.telling)
        for number in 1...5 {
            _ = fixture.charge("k\(number)")
            fixture.pass(.milliseconds(1))
        }
        let claimed = fixture.ledger.claimDeliveries(now: fixture.now, limit: 3)
        #expect(claimed.map(\.dueAt) == claimed.map(\.dueAt).sorted() && claimed.count == 3)
        #expect(fixture.ledger.claimDeliveries(now: fixture.now, limit: 3).count == 2)
    }
}

extension LedgerFixture {
    @discardableResult
    fileprivate mutating func end(_ event: WebhookEvent, isDelivered: Bool) -> Bool {
        ledger.deliveryEnded(event.id, isDelivered: isDelivered, now: now, random: random)
    }
}
