import Clocks
import Messaging

/// A process of a service: what it has in memory, which is lost when it dies.
struct Replica {
    /// A batch of messages that is being handled.
    struct Work {
        var topic: Int
        var generation: Int
        /// What is to be handled, transaction by transaction.
        var chunks: [[Record]]
        /// Commands that are not begun because they came too late.
        var expired: Set<UUID>
        /// What to commit once all is handled.
        var offsets: [(place: Broker.Place, next: Int)]
    }

    let id: Int
    let service: SimulatedService
    var incarnation = 0
    var isUp = true
    var pausedUntil: Instant = 0
    /// How many durable steps it has done, over all its lives.
    var steps = 0

    /// Whose rows in the outbox are its own.
    var owner: Int64
    var relay: RelayState
    var isSending = false
    var isDeleting = false
    var isSweepPlanned = false
    var isReadingBack = false

    /// The partitions it reads, and from where on.
    var positions: [(place: Broker.Place, next: Int)] = []
    var generation = -1
    var work: Work?
    var isPolling = false
    var turn = 0
    var expiry = ExpiryGuard()

    /// When it looks at due sagas, payments or shipments.
    var dueAt: Instant?
    /// When it looks at parked messages.
    var parkedAt: Instant?

    init(id: Int, service: SimulatedService, owner: Int64, relayMemory: Int) {
        self.id = id
        self.service = service
        self.owner = owner
        relay = RelayState(limit: relayMemory)
    }

    static func name(_ id: Int) -> String { "\(SimulatedService.allCases[id % 4].label)-\(id / 4 + 1)" }
    var name: String { Self.name(id) }

    /// Begins anew, with nothing in memory.
    mutating func restart(owner: Int64, relayMemory: Int) {
        var next = Replica(id: id, service: service, owner: owner, relayMemory: relayMemory)
        next.incarnation = incarnation + 1
        next.steps = steps
        self = next
    }
}
