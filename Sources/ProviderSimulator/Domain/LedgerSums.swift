import Contracts

/// What the ledger adds up to; kept along with every change, so that asking costs nothing.
struct LedgerSums: Hashable, Sendable {
    private(set) var charges: [Charge.Status: Int] = [:]
    private(set) var bookings: [Booking.Status: Int] = [:]
    private(set) var chargeTombstones = 0
    private(set) var bookingTombstones = 0
    private(set) var refunds = 0
    /// Minor units by currency: all that was ever captured, and all of it that went back.
    private(set) var captured: [String: Int64] = [:]
    private(set) var refunded: [String: Int64] = [:]
    private(set) var duplicates: [EntryKind: Int] = [:]
    private(set) var deliveredEvents = 0
    private(set) var abandonedEvents = 0

    mutating func replace(_ old: Charge?, by new: Charge) {
        if let old { add(old, -1) }
        add(new, 1)
    }

    mutating func replace(_ old: Booking?, by new: Booking) {
        if let old { add(old, -1) }
        add(new, 1)
    }

    mutating func addRefund() { refunds += 1 }
    mutating func addDuplicate(_ kind: EntryKind) { duplicates[kind, default: 0] += 1 }

    mutating func addEnd(isDelivered: Bool) {
        if isDelivered { deliveredEvents += 1 } else { abandonedEvents += 1 }
    }

    private mutating func add(_ charge: Charge, _ sign: Int) {
        guard let amount = charge.amount else {
            chargeTombstones += sign
            return
        }
        charges[charge.status, default: 0] += sign
        captured[amount.currency, default: 0] += charge.captured * Int64(sign)
        refunded[amount.currency, default: 0] += charge.refunded * Int64(sign)
    }

    private mutating func add(_ booking: Booking, _ sign: Int) {
        if booking.isTombstone { bookingTombstones += sign } else { bookings[booking.status, default: 0] += sign }
    }
}
