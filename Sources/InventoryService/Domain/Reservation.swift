import Clocks
import Contracts

/// Stock promised to one order: all its lines, or nothing.
package struct Reservation: Hashable, Sendable {
    /// - `reserved`: taken out of what is available; leaves to `shipped` or `released`.
    /// - `shipped`: left the house with its confirmed order; final.
    /// - `released`: given back; final.
    package enum Status: String, CaseIterable, Sendable {
        case reserved, shipped, released
    }

    package var orderID: UUID
    package var status: Status
    package var lines: [OrderLine]
}
