import Clocks
import Contracts
import Defects

/// The part of the stock that a batch of commands touches, and what they do to it.
///
/// Filled with the rows that were read and locked; commands change the picture in their order, so that a later one
/// sees the effect of an earlier one; what differs at the end is what has to be written.
package struct StockLedger: Sendable {
    /// What a command came to.
    package enum Outcome: Hashable, Sendable {
        case done
        /// The same was done before: answered alike, without effect.
        case alreadyDone
        case nothingToUndo
        case refused(Reason)
        /// The command came after its compensation: it does nothing.
        case voided
        /// The reservation is in a state that this command cannot follow; says which.
        case conflict(Reservation.Status)
    }

    private var levels: [String: StockLevel]
    private var reservations: [UUID: Reservation]
    private var voided: Set<UUID>

    /// The items whose level has changed.
    package private(set) var changedItems: Set<String> = []
    /// The orders whose reservation is new or has changed.
    package private(set) var changedReservations: Set<UUID> = []
    package private(set) var newReservations: Set<UUID> = []
    /// Orders whose compensation came first.
    package private(set) var newlyVoided: [UUID] = []

    package init(levels: [String: StockLevel], reservations: [UUID: Reservation], voided: Set<UUID>) {
        self.levels = levels
        self.reservations = reservations
        self.voided = voided
    }

    package func level(_ sku: String) -> StockLevel? { levels[sku] }
    package func reservation(_ orderID: UUID) -> Reservation? { reservations[orderID] }

    /// Promises all lines to the order, or none.
    package mutating func reserve(_ lines: [OrderLine], for orderID: UUID) -> Outcome {
        if let existing = reservations[orderID], !Defect.repeatsNotRecognised.isOn {
            guard existing.status == .released else { return .alreadyDone }
            guard Defect.lateCommandsCarriedOut.isOn else { return .voided }
        }
        guard !voided.contains(orderID) || Defect.lateCommandsCarriedOut.isOn else { return .voided }
        var wanted: [String: Int64] = [:]
        for line in lines { wanted[line.sku, default: 0] += line.quantity }
        for sku in wanted.keys where levels[sku] == nil { return .refused(.unknownItem) }
        for (sku, quantity) in wanted where levels[sku]!.available < quantity { return .refused(.outOfStock) }
        for (sku, quantity) in wanted {
            if Defect.stockLeaks.isOn { levels[sku]!.available -= quantity } else { levels[sku]!.reserve(quantity) }
            changedItems.insert(sku)
        }
        if reservations[orderID] == nil { newReservations.insert(orderID) }
        store(Reservation(orderID: orderID, status: .reserved, lines: lines))
        return .done
    }

    /// Gives the order's stock back; without a reservation, makes sure that none can come later.
    package mutating func release(_ orderID: UUID) -> Outcome {
        guard var reservation = reservations[orderID] else {
            if voided.insert(orderID).inserted { newlyVoided.append(orderID) }
            return .nothingToUndo
        }
        switch reservation.status {
        case .released: return .alreadyDone
        case .shipped: return .conflict(.shipped)
        case .reserved:
            for line in reservation.lines {
                levels[line.sku]!.release(line.quantity)
                changedItems.insert(line.sku)
            }
            reservation.status = .released
            store(reservation)
            return .done
        }
    }

    /// Turns the order's reservation into shipped stock.
    package mutating func commit(_ orderID: UUID) -> Outcome {
        guard var reservation = reservations[orderID] else { return .conflict(.released) }
        switch reservation.status {
        case .shipped: return .alreadyDone
        case .released: return .conflict(.released)
        case .reserved:
            for line in reservation.lines {
                levels[line.sku]!.ship(line.quantity)
                changedItems.insert(line.sku)
            }
            reservation.status = .shipped
            store(reservation)
            return .done
        }
    }

    private mutating func store(_ reservation: Reservation) {
        reservations[reservation.orderID] = reservation
        if !newReservations.contains(reservation.orderID) { changedReservations.insert(reservation.orderID) }
    }
}
