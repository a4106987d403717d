import Clocks
import Contracts

/// What a carrier says about a booking.
enum CarrierAnswer: Hashable, Sendable {
    case booked(reference: String)
    case refused
}

/// The conversation with whoever moves the goods.
///
/// A booking is identified by the shipment's id: asked twice, a carrier books once.
protocol Carrier: Sendable {
    /// Books the shipment, or refuses it.
    func book(_ shipment: UUID, to address: Address) -> CarrierAnswer

    /// When the carrier takes the goods of a shipment booked at `bookedAt`; nil when it tells us by itself.
    func dispatchTime(bookedAt: Timestamp) -> Timestamp?

    /// When it hands them over; nil when it tells us by itself.
    func deliveryTime(bookedAt: Timestamp) -> Timestamp?
}
