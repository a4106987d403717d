import Clocks
import Contracts

/// An order came to a status.
struct StatusChange: Hashable, Sendable {
    var orderID: UUID
    var status: Order.Status
    var reason: Reason?
    var at: Timestamp
}

/// A status change with its number in the feed: numbers grow, and none becomes visible after a greater one.
struct FeedEntry: Hashable, Sendable {
    var number: Int64
    var customerID: String
    var change: StatusChange
}

extension Order.Status {
    /// How far the order has come: an order only moves to a greater stage.
    var stage: Int {
        switch self {
        case .pending: 0
        case .confirmed, .rejected, .cancelled: 1
        case .shipped: 2
        case .delivered: 3
        }
    }

    /// Whether no other status follows.
    var isFinal: Bool {
        switch self {
        case .rejected, .cancelled, .delivered: true
        case .pending, .confirmed, .shipped: false
        }
    }
}
