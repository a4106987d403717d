import Clocks
import Contracts
import Glibc
import Testing

@testable import ProviderSimulator

/// Random histories against a naive account of them, and against their own journal.
@Suite("Ledger: whatever happens")
struct LedgerPropertyTests {
    /// `HOLDFAST_SEED` replays one history.
    static let seeds: [UInt64] = {
        if let text = getenv("HOLDFAST_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return Array(1...100)
    }()

    /// What one would write down on paper: for each key, what was taken and what went back.
    private struct Paper {
        var taken: [String: Int64] = [:]
        var returned: [String: Int64] = [:]
        var captures: [String: Int] = [:]
    }

    private static func play(seed: UInt64, _ check: (LedgerFixture, [LedgerRecord], _ step: Int) -> Void) {
        var rules = LedgerRules.telling
        rules.webhookAttempts = 3
        var fixture = LedgerFixture(rules, seed: seed)
        let random = SeededRandom(seed: seed ^ 0xABCD)
        let tokens = TestToken.allCases.map(\.rawValue) + ["tok_nothing"]
        func pick<T>(_ values: [T]) -> T { values[Int(random.next() % UInt64(values.count))] }
        var records: [LedgerRecord] = []
        for step in 1...150 {
            let key = "k\(random.next() % 6)"
            switch random.next() % 10 {
            case 0...2: _ = fixture.charge(key, pick(tokens), amount: pick([100, 250]))
            case 3: _ = fixture.reverse(key)
            case 4: _ = fixture.refund("r\(random.next() % 8)", of: key, pick([1, 60, 100]))
            case 5: _ = fixture.book(key, country: pick(["DE", "AQ"]))
            case 6: _ = fixture.cancel(key)
            case 7: _ = fixture.confirm(key)
            case 8: fixture.pass(.milliseconds(Int64(random.next() % 4000)))
            default:
                for event in fixture.ledger.claimDeliveries(now: fixture.now, limit: 2) {
                    fixture.ledger.deliveryEnded(
                        event.id, isDelivered: pick([true, false]), now: fixture.now, random: random)
                }
            }
            records += fixture.ledger.takeChanges().records
            check(fixture, records, step)
        }
    }

    @Test("money is conserved: one capture a key, never more back than taken, sums that hold", arguments: seeds)
    func conserved(seed: UInt64) {
        Self.play(seed: seed) { fixture, records, step in
            guard step % 10 == 0 else { return }
            var paper = Paper()
            for record in records {
                switch record {
                case .charge(let charge):
                    if charge.captured > 0, paper.taken[charge.key] == nil {
                        paper.captures[charge.key, default: 0] += 1
                    }
                    paper.taken[charge.key] = charge.captured > 0 ? charge.captured : paper.taken[charge.key]
                    paper.returned[charge.key] = max(paper.returned[charge.key] ?? 0, charge.refunded)
                case .refund(let refund): paper.returned[refund.charge, default: 0] += refund.amount.amount
                default: break
                }
            }
            let ledger = fixture.ledger
            for charge in ledger.charges.entries {
                #expect(charge.captured == paper.taken[charge.key] ?? 0, "seed \(seed)")
                #expect(charge.refunded == paper.returned[charge.key] ?? 0, "seed \(seed)")
                #expect(charge.refunded <= charge.captured, "seed \(seed)")
                #expect(charge.captured == 0 || charge.captured == charge.amount?.amount, "seed \(seed)")
                #expect(paper.captures[charge.key] ?? 0 <= 1, "seed \(seed)")
                #expect((charge.dueAt != nil) == (charge.status == .pending), "seed \(seed)")
            }
            Self.expectSums(ledger, seed)
        }
    }

    private static func expectSums(_ ledger: Ledger, _ seed: UInt64) {
        let charges = ledger.charges.entries
        for status in Charge.Status.allCases {
            let count = charges.count { $0.status == status && !$0.isTombstone }
            #expect(ledger.sums.charges[status] ?? 0 == count, "seed \(seed)")
        }
        for status in Booking.Status.allCases {
            let count = ledger.bookings.entries.count { $0.status == status && !$0.isTombstone }
            #expect(ledger.sums.bookings[status] ?? 0 == count, "seed \(seed)")
        }
        #expect(ledger.sums.captured["EUR"] ?? 0 == charges.reduce(0) { $0 + $1.captured }, "seed \(seed)")
        #expect(ledger.sums.refunded["EUR"] ?? 0 == charges.reduce(0) { $0 + $1.refunded }, "seed \(seed)")
        #expect(ledger.sums.refunds == ledger.refunds.count, "seed \(seed)")
    }

    @Test("a final status stays, and every status is reached along the documented ways", arguments: seeds)
    func ways(seed: UInt64) {
        let chargeWays: [Charge.Status: Set<Charge.Status>] = [
            .pending: [.captured, .reversed], .captured: [.reversed], .declined: [], .reversed: [],
        ]
        let bookingWays: [Booking.Status: Set<Booking.Status>] = [
            .booked: [.cancelled, .dispatched], .dispatched: [.delivered], .refused: [], .cancelled: [], .delivered: [],
        ]
        var charges: [String: Charge.Status] = [:]
        var bookings: [String: Booking.Status] = [:]
        Self.play(seed: seed) { fixture, _, _ in
            for charge in fixture.ledger.charges.entries {
                if let old = charges[charge.key], old != charge.status {
                    #expect(chargeWays[old]?.contains(charge.status) == true, "seed \(seed): \(old) → \(charge.status)")
                }
                charges[charge.key] = charge.status
            }
            for booking in fixture.ledger.bookings.entries {
                if let old = bookings[booking.key], old != booking.status,
                    old != .booked || booking.status != .delivered
                {
                    #expect(bookingWays[old]?.contains(booking.status) == true, "seed \(seed)")
                }
                bookings[booking.key] = booking.status
            }
        }
    }

    @Test("the records, written and read, make the same ledger again", arguments: seeds)
    func replayed(seed: UInt64) throws {
        var last: (LedgerFixture, [LedgerRecord])?
        Self.play(seed: seed) { fixture, records, _ in last = (fixture, records) }
        let (fixture, records) = try #require(last)
        var replay = JournalText.Replay(into: Ledger(rules: fixture.ledger.rules))
        try replay.read(records.flatMap { JournalText.line([$0]) })
        let (restored, torn) = try replay.finish()
        #expect(torn == 0)
        #expect(restored.charges.entries == fixture.ledger.charges.entries)
        #expect(restored.refunds.entries == fixture.ledger.refunds.entries)
        #expect(restored.bookings.entries == fixture.ledger.bookings.entries)
        #expect(restored.events == fixture.ledger.events)
        #expect(restored.refusals == fixture.ledger.refusals)
        #expect(restored.sums == fixture.ledger.sums)
        #expect(restored.isAtRest == fixture.ledger.isAtRest)
        // And it goes on where the first one stopped.
        var (left, right) = (fixture.ledger, restored)
        let end = fixture.now.advanced(by: .seconds(3600))
        left.advance(to: end, random: SeededRandom(seed: 9))
        right.advance(to: end, random: SeededRandom(seed: 9))
        #expect(left.charges.entries == right.charges.entries && left.bookings.entries == right.bookings.entries)
    }
}
