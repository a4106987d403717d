import Clocks
import Contracts

/// What a carrier is asked.
package enum CarrierCall: Hashable, Sendable {
    /// Take the goods. `isFirst` when no booking of the shipment can have reached the carrier before.
    case book(isFirst: Bool)
    /// What became of the booking?
    case query
    /// Call it off; if there is none, see to it that none can come.
    case cancel
    /// The goods may leave.
    case confirm
    /// Where are the goods?
    case track
}

/// What a carrier says.
package enum CarrierAnswer: Hashable, Sendable {
    case booked(reference: String)
    case refused
    /// It knows of the booking and has not decided.
    case undecided
    /// The booking does not stand and never will.
    case cancelled
    case dispatched(reference: String)
    case delivered(reference: String)
    /// It has never heard of the booking.
    case notFound
    /// The booking is not in a state in which this can be done.
    case tooLate(String)
    /// The call certainly did nothing; `retryAfter` is when the carrier wants to be asked again.
    case noEffect(String, retryAfter: Duration?)
    /// The call was not made, because calls do not get through just now.
    case notCalled(String, retryAfter: Duration?)
    /// The call may have been carried out, or its answer makes no sense.
    case unknown(String)
}

/// The conversation with whoever moves the goods.
///
/// A booking is identified by the shipment's id, whatever is asked about it: asked twice, a carrier books once; cancelled,
/// it never books again.
package protocol Carrier: Sendable {
    /// The answer, when it is known without waiting; nil when ``perform(_:for:)`` has to be asked, outside any
    /// transaction.
    func immediateAnswer(to call: CarrierCall, for shipment: Shipment) -> CarrierAnswer?

    /// Makes the call.
    ///
    /// - Throws: when the task is cancelled; the call may then have been made.
    func perform(_ call: CarrierCall, for shipment: Shipment) async throws(CancellationError) -> CarrierAnswer

    /// After what time it makes sense to ask where the goods are; nil when the carrier tells by itself.
    func trackingDelay(of shipment: Shipment) -> Duration?
}
