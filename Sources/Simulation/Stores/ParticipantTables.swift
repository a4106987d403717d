import Clocks
import Contracts
import InventoryService
import PaymentService
import ShippingService

/// The tables of inventory-service.
struct InventoryTables {
    var levels: [String: StockLevel] = [:]
    var reservations: [UUID: Reservation] = [:]
    var voided: Set<UUID> = []
}

/// When a row is due, and until when somebody works on it, as the statements of payment-service and shipping-service
/// keep it: by the database's clock, here virtual time.
struct DueTimes {
    var dueAt: Instant?
    var claimedUntil: Instant?

    /// Whether `lockDue` would find the row.
    func isDue(_ now: Instant) -> Bool {
        guard let dueAt, dueAt <= now else { return false }
        return claimedUntil.map { $0 <= now } ?? true
    }

    /// When the row is to be looked at next, as `nextDue`.
    var next: Instant? {
        guard let dueAt else { return nil }
        return claimedUntil.map { $0 > dueAt ? $0 : dueAt } ?? dueAt
    }

    /// Whether it became due again while it was claimed.
    var isNudged: Bool {
        guard let dueAt, let claimedUntil else { return false }
        return dueAt < claimedUntil
    }
}

/// What writing a row does to its due times: the `CASE` of the two services' updates.
enum DueChange {
    case unchanged, never, nudged
    case after(Int64)
    case claimed(Int64)

    init(_ due: PaymentService.Due) {
        switch due {
        case .unchanged: self = .unchanged
        case .never: self = .never
        case .nudged: self = .nudged
        case .after(let wait): self = .after(wait.wholeNanoseconds / 1000)
        case .claimed(let lease): self = .claimed(lease.wholeNanoseconds / 1000)
        }
    }

    init(_ due: ShippingService.Due) {
        switch due {
        case .unchanged: self = .unchanged
        case .never: self = .never
        case .nudged: self = .nudged
        case .after(let wait): self = .after(wait.wholeNanoseconds / 1000)
        case .claimed(let lease): self = .claimed(lease.wholeNanoseconds / 1000)
        }
    }

    func apply(to times: inout DueTimes, now: Instant) {
        switch self {
        case .unchanged: break
        case .never: times = DueTimes()
        case .nudged: times.dueAt = now
        case .after(let wait): times = DueTimes(dueAt: now + wait)
        case .claimed(let lease): times = DueTimes(dueAt: now + lease, claimedUntil: now + lease)
        }
    }
}

/// The tables of payment-service.
struct PaymentTables {
    struct Row {
        var payment: Payment
        var times = DueTimes()
    }

    /// By order: there is a unique index.
    var payments: [UUID: Row] = [:]
    var voided: Set<UUID> = []

    /// As `PaymentStatements.payment` reads a row.
    func read(_ orderID: UUID) -> Payment? {
        guard let row = payments[orderID] else { return nil }
        var payment = row.payment
        payment.isNudged = row.times.isNudged
        payment.due = .unchanged
        return payment
    }

    mutating func write(_ payment: Payment, now: Instant) {
        var row = payments[payment.orderID] ?? Row(payment: payment)
        row.payment = payment
        DueChange(payment.due).apply(to: &row.times, now: now)
        payments[payment.orderID] = row
    }
}

/// The tables of shipping-service.
struct ShippingTables {
    struct Row {
        var shipment: Shipment
        var createdAt: Instant
        var times = DueTimes()
    }

    /// By order: there is a unique index.
    var shipments: [UUID: Row] = [:]
    var voided: Set<UUID> = []

    /// As `ShipmentStatements.shipment` reads a row.
    func read(_ orderID: UUID, now: Instant) -> Shipment? {
        guard let row = shipments[orderID] else { return nil }
        var shipment = row.shipment
        shipment.age = .microseconds(now - row.createdAt)
        shipment.isNudged = row.times.isNudged
        shipment.isNewlyBooked = false
        shipment.due = .unchanged
        return shipment
    }

    mutating func write(_ shipment: Shipment, now: Instant) {
        var row = shipments[shipment.orderID] ?? Row(shipment: shipment, createdAt: now)
        row.shipment = shipment
        if shipment.isNewlyBooked { row.createdAt = now }
        DueChange(shipment.due).apply(to: &row.times, now: now)
        shipments[shipment.orderID] = row
    }
}
