import Clocks
import Contracts

/// The shipments that a batch of messages touches, and what the messages do to them.
struct ShipmentLedger: Sendable {
    /// What a message came to.
    enum Outcome: Hashable, Sendable {
        /// `isNew` when this message did it.
        case booked(isNew: Bool)
        case refused
        case cancelled(isNew: Bool)
        case nothingToUndo
        /// The booking came after its cancellation: it does nothing.
        case voided
        /// The goods are on the road: too late to cancel.
        case conflict(Shipment.Status)
    }

    private var shipments: [UUID: Shipment]
    private var voided: Set<UUID>

    /// The orders whose shipment is new.
    private(set) var created: [UUID] = []
    /// The orders whose shipment has changed.
    private(set) var changed: Set<UUID> = []
    /// Orders whose compensation came first.
    private(set) var newlyVoided: [UUID] = []

    /// - Parameter shipments: by order.
    init(shipments: [UUID: Shipment], voided: Set<UUID>) {
        self.shipments = shipments
        self.voided = voided
    }

    func shipment(of orderID: UUID) -> Shipment? { shipments[orderID] }

    /// Books the order's shipment once, however often it is asked.
    mutating func book(
        _ id: UUID, orderID: UUID, shipTo: Address, lines: [OrderLine], carrier: some Carrier, now: Timestamp
    ) -> Outcome {
        if let existing = shipments[orderID] {
            return existing.status == .cancelled ? .voided : .booked(isNew: false)
        }
        guard !voided.contains(orderID) else { return .voided }
        guard case .booked(let reference) = carrier.book(id, to: shipTo) else { return .refused }
        shipments[orderID] = Shipment(
            id: id, orderID: orderID, status: .booked, carrierReference: reference, shipTo: shipTo, lines: lines,
            bookedAt: now, dueAt: nil)
        created.append(orderID)
        return .booked(isNew: true)
    }

    /// Cancels the order's shipment; without one, makes sure that none can come later.
    mutating func cancel(_ orderID: UUID) -> Outcome {
        guard var shipment = shipments[orderID] else {
            if voided.insert(orderID).inserted { newlyVoided.append(orderID) }
            return .nothingToUndo
        }
        switch shipment.status {
        case .cancelled: return .cancelled(isNew: false)
        case .dispatched, .delivered: return .conflict(shipment.status)
        case .booked:
            shipment.status = .cancelled
            shipment.dueAt = nil
            store(shipment)
            return .cancelled(isNew: true)
        }
    }

    /// The order is confirmed: from now on the goods may leave.
    mutating func confirm(_ orderID: UUID, carrier: some Carrier) {
        guard var shipment = shipments[orderID], shipment.status == .booked, shipment.dueAt == nil,
            let dueAt = carrier.dispatchTime(bookedAt: shipment.bookedAt)
        else { return }
        shipment.dueAt = dueAt
        store(shipment)
    }

    private mutating func store(_ shipment: Shipment) {
        shipments[shipment.orderID] = shipment
        if !created.contains(shipment.orderID) { changed.insert(shipment.orderID) }
    }
}
