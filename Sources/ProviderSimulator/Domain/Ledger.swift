import Clocks
import Contracts

/// The books of the provider and the carrier: what was asked under which key, and what became of it.
///
/// Money is conserved: a key captures at most once, and never more goes back than was captured. Every change is a record;
/// whoever keeps the ledger takes them with ``takeChanges()`` and writes them down before it tells anybody. Records that
/// were written are brought back with ``apply(_:)``.
struct Ledger: Sendable {
    /// A status that was reached, for counting.
    enum Transition: Hashable, Sendable {
        case charge(Charge.Status)
        case booking(Booking.Status)
    }

    /// What happened since the last look.
    struct Changes: Sendable {
        var records: [LedgerRecord] = []
        var transitions: [Transition] = []
    }

    enum Timer: Hashable, Sendable {
        case charge(String)
        case booking(String)
    }

    let rules: LedgerRules
    private(set) var charges = Register<Charge>()
    private(set) var refunds = Register<Refund>()
    private(set) var bookings = Register<Booking>()
    /// Events that still have to be told.
    private(set) var events: [String: WebhookEvent] = [:]
    /// Events whose telling is under way; not kept across restarts.
    var inFlight: Set<String> = []
    /// How often a charge was refused, by key, until it is accepted.
    private(set) var refusals: [String: Int] = [:]
    private(set) var sums = LedgerSums()
    private var changes = Changes()
    var timers = DueQueue<Timer>()
    var deliveries = DueQueue<String>()

    init(rules: LedgerRules) {
        self.rules = rules
    }

    var entryCount: Int { charges.count + refunds.count + bookings.count + refusals.count }
    var isFull: Bool { entryCount >= rules.entryLimit }

    /// When ``advance(to:random:)`` or ``claimDeliveries(now:limit:)`` has something to do; nil when nothing is planned.
    var nextDue: Timestamp? {
        [timers.next, deliveries.next].compactMap(\.self).min()
    }

    /// Whether nothing happens any more unless somebody asks.
    var isAtRest: Bool {
        sums.charges[.pending, default: 0] == 0 && sums.bookings[.dispatched, default: 0] == 0 && events.isEmpty
            && confirmedCount == 0
    }

    /// Bookings that wait for their dispatch.
    private var confirmedCount = 0

    /// Hands over what has changed since the last call.
    mutating func takeChanges() -> Changes {
        defer { changes = Changes() }
        return changes
    }

    /// Does what the record says and remembers it for ``takeChanges()``.
    mutating func commit(_ record: LedgerRecord) {
        switch record {
        case .charge(let charge) where charges[charge.key]?.status != charge.status:
            changes.transitions.append(.charge(charge.status))
        case .booking(let booking) where bookings[booking.key]?.status != booking.status:
            changes.transitions.append(.booking(booking.status))
        default: break
        }
        apply(record)
        changes.records.append(record)
    }

    /// Does what a record says.
    mutating func apply(_ record: LedgerRecord) {
        switch record {
        case .charge(let charge): put(charge)
        case .refund(let refund):
            _ = refunds.put(refund, key: refund.key)
            sums.addRefund()
            guard var charge = charges[refund.charge] else { return }
            charge.refunded += refund.amount.amount
            charge.updatedAt = refund.createdAt
            put(charge)
        case .booking(let booking): put(booking)
        case .refusal(let key): refusals[key, default: 0] += 1
        case .duplicate(let kind): sums.addDuplicate(kind)
        case .event(let event):
            events[event.id] = event
            deliveries.add(event.id, at: event.dueAt)
        case .eventFailed(let id, let attempts, let dueAt):
            events[id]?.attempts = attempts
            reschedule(id, at: dueAt)
        case .eventEnded(let id, let isDelivered):
            guard events.removeValue(forKey: id) != nil else { return }
            inFlight.remove(id)
            sums.addEnd(isDelivered: isDelivered)
        }
    }

    private mutating func put(_ charge: Charge) {
        refusals[charge.key] = nil
        sums.replace(charges.put(charge, key: charge.key), by: charge)
        if let dueAt = charge.dueAt { timers.add(.charge(charge.key), at: dueAt) }
    }

    private mutating func put(_ booking: Booking) {
        let old = bookings.put(booking, key: booking.key)
        sums.replace(old, by: booking)
        confirmedCount += (booking.waitsForDispatch ? 1 : 0) - (old?.waitsForDispatch == true ? 1 : 0)
        if let dueAt = booking.dueAt { timers.add(.booking(booking.key), at: dueAt) }
    }

    /// Plans the next attempt to tell an event that is not under way any more.
    mutating func reschedule(_ id: String, at dueAt: Timestamp, isPrepared: Bool? = nil) {
        guard events[id] != nil else { return }
        inFlight.remove(id)
        events[id]?.dueAt = dueAt
        if let isPrepared { events[id]?.isPrepared = isPrepared }
        deliveries.add(id, at: dueAt)
    }
}

extension Booking {
    fileprivate var waitsForDispatch: Bool { status == .booked && isConfirmed }
}
