import Defects

/// Where an item's stock is. `received == available + reserved + shipped`, none negative, at any instant.
package struct StockLevel: Hashable, Sendable {
    /// What ever came in.
    package var received: Int64
    /// What can be promised to an order.
    package var available: Int64
    /// What is promised to orders that are not finished.
    package var reserved: Int64
    /// What left with finished orders.
    package var shipped: Int64

    package init(received: Int64 = 0, available: Int64 = 0, reserved: Int64 = 0, shipped: Int64 = 0) {
        self.received = received
        self.available = available
        self.reserved = reserved
        self.shipped = shipped
    }

    package var isConserved: Bool {
        received == available + reserved + shipped && available >= 0 && reserved >= 0 && shipped >= 0
    }

    package mutating func reserve(_ quantity: Int64) {
        available -= quantity
        if !Defect.stockLeaks.isOn { reserved += quantity }
    }

    package mutating func release(_ quantity: Int64) {
        reserved -= quantity
        available += quantity
    }

    package mutating func ship(_ quantity: Int64) {
        reserved -= quantity
        shipped += quantity
    }
}
