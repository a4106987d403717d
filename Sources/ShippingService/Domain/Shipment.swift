import Clocks
import Contracts

/// Goods of one order on their way, from the wish to book them on.
package struct Shipment: Hashable, Sendable {
    /// ``ShipmentConversation`` moves it. Only the ``shown`` ones are shipments to the outside: a booking that the carrier
    /// has not decided, has refused or never got is nobody's shipment.
    ///
    /// - `requested`: the carrier has not decided, or was not asked; leaves to any other.
    /// - `refused`: the carrier does not take it; final.
    /// - `withdrawn`: called off before there was a booking; final.
    /// - `booked`: the carrier knows of it; leaves to `dispatched`, `delivered` or `cancelled`.
    /// - `cancelled`: was booked and will not happen; final.
    /// - `dispatched`: on the road; leaves to `delivered`.
    /// - `delivered`: arrived; final.
    package enum Status: String, CaseIterable, Sendable {
        case requested, refused, withdrawn, booked, cancelled, dispatched, delivered

        /// What the outside sees.
        package static let shown: [Status] = [.booked, .cancelled, .dispatched, .delivered]
    }

    /// How far the booking has come on its way to the carrier.
    ///
    /// - `unsent`: no booking has left, or it certainly did nothing.
    /// - `sent`: a booking may have left, and no answer to it is written down.
    /// - `accepted`: the carrier knows of it.
    package enum Standing: String, Sendable {
        case unsent, sent, accepted
    }

    package var id: UUID
    package var orderID: UUID
    package var status: Status
    package var carrierReference: String?
    package var shipTo: Address
    package var lines: [OrderLine]
    /// The command that asked for the booking and has no reply yet.
    package var bookCommand: UUID?
    /// The command that asked for the cancellation and has no reply yet.
    package var cancelCommand: UUID?

    package var standing = Standing.unsent
    /// Whether the order is confirmed, so that the goods may leave.
    package var isConfirmed = false
    /// Whether the carrier knows that they may.
    package var isHandedOver = false
    /// Whether nothing of the booking may stand.
    package var isCancelWanted = false
    /// How often in a row the carrier could not bring it further.
    package var postponements = 0
    /// Counts the claims: whoever brings an answer under an older one comes late.
    package var claims: Int64 = 0
    /// How long ago it was booked, by the database's clock. Read, never written.
    package var age = Duration.zero
    /// Whether it was booked by what is written now, so that its age counts from here.
    package var isNewlyBooked = false
    /// Whether it became due again while it was claimed. Read, never written.
    package var isNudged = false
    /// What writing the shipment does to its due time.
    package var due = Due.unchanged
}

/// When something is taken up (again), as a change of what the table says: the database's clock makes the time.
package enum Due: Hashable, Sendable {
    /// As it is.
    case unchanged
    /// Nothing is to be done.
    case never
    /// The claim ends, and it is due so much later.
    case after(Duration)
    /// It is due at once; a claim goes on and is told at its end.
    case nudged
    /// It is claimed for so long.
    case claimed(Duration)
}

extension Shipment {
    /// The shipment of an order, as `command` asks for it.
    package init(id: UUID, booking: BookShipment, askedBy command: UUID) {
        self.init(
            id: id, orderID: booking.orderID, status: .requested, shipTo: booking.shipTo, lines: booking.lines,
            bookCommand: command)
    }
}
