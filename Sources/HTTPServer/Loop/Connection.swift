import Clocks
import Glibc
import HTTPCodec

/// A client's socket with its state machine and the request in hand; belongs to the loop thread.
final class Connection {
    /// The request in hand, for the observer and for whoever answers it.
    struct Current {
        var method: HTTPMethod
        var target: String
        var receivedAt: MonotonicInstant
        var requestBytes: Int
        var status: HTTPStatus?
        var responseBytes = 0
    }

    let socket: Int32
    let key: UInt64
    var machine: HTTPServerConnection
    /// Counts requests, so that an answer finds its own and no later one.
    var number: UInt32 = 0
    var current: Current?
    /// The handler's task once it has left the loop thread.
    var task: Task<Void, Never>?
    var sink: StreamSink?
    /// The socket may hold bytes that were not read yet.
    var hasUnread = false
    /// Whether it is in the loop's list of connections to read from.
    var isQueued = false
    /// The client ended its side or is gone: reading goes on to the end of the stream.
    var hasHungUp = false
    /// The socket takes no more until the kernel says so.
    var isBlocked = false
    var hasNotedRefusal = false
    /// When the deadline queue will look at this connection.
    var scheduled = MonotonicInstant.distantFuture

    init(socket: Int32, key: UInt64, limits: HTTPLimits, now: MonotonicInstant) {
        self.socket = socket
        self.key = key
        machine = HTTPServerConnection(limits: limits, now: now)
    }

    var ticket: Ticket { Ticket(connection: key, number: number) }
}

/// The open connections by key: a slot in the lower half, in the upper half how often the slot was used before.
struct ConnectionTable {
    private var slots: [Connection?] = []
    private var generations: [UInt32] = []
    private var free: [Int] = []
    private(set) var count = 0

    /// Makes a connection in a free slot.
    mutating func insert(_ make: (_ key: UInt64) -> Connection) -> Connection {
        let slot: Int
        if let freed = free.popLast() {
            slot = freed
        } else {
            slot = slots.count
            slots.append(nil)
            generations.append(0)
        }
        let connection = make(UInt64(generations[slot]) << 32 | UInt64(slot))
        slots[slot] = connection
        count += 1
        return connection
    }

    /// The connection with that key, nil when it is gone, also when its slot has a new one.
    subscript(key: UInt64) -> Connection? {
        let slot = Int(key & 0xFFFF_FFFF)
        guard slot < slots.count, let connection = slots[slot], connection.key == key else { return nil }
        return connection
    }

    mutating func remove(_ connection: Connection) {
        let slot = Int(connection.key & 0xFFFF_FFFF)
        guard self[connection.key] === connection else { return }
        slots[slot] = nil
        generations[slot] = (generations[slot] + 1) & 0x7FFF_FFFF
        free.append(slot)
        count -= 1
    }

    /// All of them; the table may change while they are visited.
    var all: [Connection] { slots.compactMap(\.self) }
}
