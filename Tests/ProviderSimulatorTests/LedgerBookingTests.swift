import Clocks
import Testing

@testable import ProviderSimulator

@Suite("Ledger: bookings")
struct LedgerBookingTests {
    private static func booked(_ fixture: inout LedgerFixture, _ key: String = "s") -> Booking? {
        guard case .made(let booking) = fixture.book(key) else { return nil }
        return booking
    }

    @Test("a booking is made once, and refused where the carrier does not go")
    func book() {
        var fixture = LedgerFixture()
        let booking = Self.booked(&fixture)
        #expect(booking?.status == .booked && booking?.reason == nil)
        #expect(fixture.book("s") == .known(booking!))
        #expect(fixture.book("s", country: "FR") == .keyReused)
        guard case .made(let refused) = fixture.book("t", country: "AQ") else {
            Issue.record("no booking")
            return
        }
        #expect(refused.status == .refused && refused.reason == "destination-not-served")
        #expect(fixture.ledger.sums.duplicates == [.booking: 1])
    }

    @Test("nothing is dispatched before it is confirmed; then dispatch and delivery follow in their time")
    func confirmed() {
        var fixture = LedgerFixture()
        _ = Self.booked(&fixture)
        fixture.pass(.seconds(100))
        #expect(fixture.ledger.bookings["s"]?.status == .booked && fixture.ledger.isAtRest)
        guard case .done(let confirmed) = fixture.confirm("s") else {
            Issue.record("not confirmed")
            return
        }
        #expect(!fixture.ledger.isAtRest)
        fixture.pass(.seconds(2))
        #expect(fixture.confirm("s") == .done(confirmed), "a repeat does not put the dispatch off")
        fixture.pass(.seconds(3))
        #expect(fixture.ledger.bookings["s"]?.status == .dispatched && !fixture.ledger.isAtRest)
        fixture.pass(.seconds(5))
        #expect(fixture.ledger.bookings["s"]?.status == .delivered && fixture.ledger.isAtRest)
        #expect(fixture.confirm("s") == .done(fixture.ledger.bookings["s"]!))
    }

    @Test("after a long sleep dispatch and delivery are caught up with, in order, both told")
    func caughtUp() {
        var fixture = LedgerFixture(.telling)
        _ = Self.booked(&fixture)
        _ = fixture.confirm("s")
        fixture.pass(.seconds(3600))
        #expect(fixture.ledger.bookings["s"]?.status == .delivered)
        #expect(fixture.waiting == ["booking.delivered", "booking.dispatched"])
    }

    @Test("what is cancelled in time is never dispatched, confirmed or not", arguments: [false, true])
    func cancelled(isConfirmed: Bool) {
        var fixture = LedgerFixture()
        _ = Self.booked(&fixture)
        if isConfirmed { _ = fixture.confirm("s") }
        fixture.pass(.seconds(4))
        guard case .done(let booking) = fixture.cancel("s") else {
            Issue.record("not cancelled")
            return
        }
        #expect(booking.status == .cancelled)
        #expect(fixture.cancel("s") == .done(booking))
        #expect(fixture.confirm("s") == .notBooked(.cancelled))
        fixture.pass(.seconds(100))
        #expect(fixture.ledger.bookings["s"] == booking && fixture.ledger.isAtRest)
    }

    @Test("what is on its way cannot be cancelled, what was refused stays so")
    func tooLate() {
        var fixture = LedgerFixture()
        _ = Self.booked(&fixture)
        _ = fixture.confirm("s")
        fixture.pass(.seconds(5))
        #expect(fixture.cancel("s") == .alreadyDispatched(.dispatched))
        fixture.pass(.seconds(5))
        #expect(fixture.cancel("s") == .alreadyDispatched(.delivered))
        _ = fixture.book("r", country: "AQ")
        #expect(fixture.cancel("r") == .done(fixture.ledger.bookings["r"]!))
        #expect(fixture.ledger.bookings["r"]?.status == .refused)
        #expect(fixture.confirm("r") == .notBooked(.refused))
        #expect(fixture.confirm("unknown") == .unknown)
    }

    @Test("a key that was cancelled before its booking came is never booked")
    func tombstone() {
        var fixture = LedgerFixture()
        guard case .done(let tombstone) = fixture.cancel("s") else {
            Issue.record("not cancelled")
            return
        }
        #expect(tombstone.isTombstone && tombstone.status == .cancelled)
        #expect(fixture.book("s") == .cancelledBefore)
        #expect(fixture.cancel("s") == .done(tombstone))
        #expect(fixture.confirm("s") == .notBooked(.cancelled))
        #expect(fixture.ledger.sums.bookingTombstones == 1 && fixture.ledger.sums.bookings.isEmpty)
    }
}
