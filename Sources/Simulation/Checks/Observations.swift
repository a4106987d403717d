import Clocks
import OrderService

/// What an observer who sees everything remembers, besides what is in the tables.
struct Observations {
    /// The outcome of each order, from the moment it was committed.
    private(set) var outcomes: [UUID: Order.Status] = [:]
    /// By order: how many charges were captured and not refunded, by what payment-service has committed.
    var standing: [UUID: Int] = [:]

    mutating func reached(_ status: Order.Status, _ order: UUID) {
        outcomes[order] = outcomes[order] ?? status
    }
}
