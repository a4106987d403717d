import Clocks

/// Something the other side is to be told, until it has said that it heard it or we give up.
struct WebhookEvent: Hashable, Sendable {
    /// Whom it concerns.
    enum Target: String, CaseIterable, Sendable {
        case payment, carrier
    }

    let id: String
    let target: Target
    /// Such as `charge.captured`.
    let type: String
    /// The whole message, the same in every attempt.
    let body: [UInt8]
    /// Attempts that failed.
    var attempts = 0
    /// When the next attempt is made.
    var dueAt: Timestamp
    /// Whether faults have had their say about it; not kept across restarts.
    var isPrepared = false
}
