import Clocks
import Contracts

/// Goods of one order on their way.
struct Shipment: Hashable, Sendable {
    /// - `booked`: the carrier knows of it; leaves to `dispatched` or `cancelled`.
    /// - `cancelled`: will not happen; final.
    /// - `dispatched`: on the road; leaves to `delivered`.
    /// - `delivered`: arrived; final.
    enum Status: String, CaseIterable, Sendable {
        case booked, cancelled, dispatched, delivered
    }

    var id: UUID
    var orderID: UUID
    var status: Status
    var carrierReference: String
    var shipTo: Address
    var lines: [OrderLine]
    var bookedAt: Timestamp
    /// When the carrier's next step happens by itself; nil when nothing is expected.
    var dueAt: Timestamp?
}
