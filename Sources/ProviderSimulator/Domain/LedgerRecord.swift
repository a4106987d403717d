import Clocks

/// One step of the ledger's history: the ledger is what its records, applied in order, make of an empty one.
enum LedgerRecord: Hashable, Sendable {
    /// A charge as it is from now on.
    case charge(Charge)
    /// A refund; its charge's `refunded` grows by as much.
    case refund(Refund)
    /// A booking as it is from now on.
    case booking(Booking)
    /// A charge was refused without effect.
    case refusal(key: String)
    /// A request repeated a key that was known.
    case duplicate(EntryKind)
    /// Something is to be told.
    case event(WebhookEvent)
    /// An attempt to tell it failed.
    case eventFailed(id: String, attempts: Int, dueAt: Timestamp)
    /// It was told, or given up.
    case eventEnded(id: String, isDelivered: Bool)
}

/// What a key can stand for; each kind has its own keys.
enum EntryKind: String, CaseIterable, Sendable {
    case charge, refund, booking
}
