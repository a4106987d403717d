import Clocks

/// Who has which connection, and who waits: a pure state machine; ``PostgresClient`` does the work.
///
/// A connection is *idle* (leaves to *busy* by `acquire`, or is closed) or *busy* (leaves to *idle* or to a waiter by
/// `release`, or is closed). Waiters are served in the order in which they came.
struct PoolState<Connection: Sendable>: Sendable {
    enum Acquired {
        case connection(Connection)
        /// There is room for another connection: make one, it counts as busy.
        case makeConnection
        /// Wait for `served`.
        case wait
        /// Too many wait already.
        case full
        case closed
    }

    enum Released {
        case idle
        /// The connection goes to this waiter.
        case handTo(UInt64)
        /// The connection is not needed any more: close it.
        case close
        /// The connection is not needed any more, but a waiter needs a new one: close it, make another for it.
        case replaceFor(UInt64)
    }

    private(set) var idle: [Connection] = []
    private(set) var busy = 0
    private(set) var waiters: [UInt64] = []
    private(set) var isClosed = false
    private let maximum: Int
    private let queueLimit: Int

    init(maximum: Int, queueLimit: Int) {
        self.maximum = maximum
        self.queueLimit = queueLimit
    }

    mutating func acquire(_ waiter: UInt64) -> Acquired {
        if isClosed { return .closed }
        // Whoever waits already goes first; an idle connection and a waiter never exist together.
        if let connection = idle.popLast() {
            busy += 1
            return .connection(connection)
        }
        if busy < maximum {
            busy += 1
            return .makeConnection
        }
        guard waiters.count < queueLimit else { return .full }
        waiters.append(waiter)
        return .wait
    }

    /// The waiter gives up; false when it has been served already.
    mutating func abandon(_ waiter: UInt64) -> Bool {
        guard let index = waiters.firstIndex(of: waiter) else { return false }
        waiters.remove(at: index)
        return true
    }

    mutating func release(_ connection: Connection, isUsable: Bool) -> Released {
        precondition(busy > 0, "a connection is released that was not acquired")
        if isClosed {
            busy -= 1
            return .close
        }
        if !waiters.isEmpty {
            let waiter = waiters.removeFirst()
            return isUsable ? .handTo(waiter) : .replaceFor(waiter)
        }
        busy -= 1
        guard isUsable else { return .close }
        idle.append(connection)
        return .idle
    }

    /// Nothing is acquired any more; answers what to close and whom to refuse.
    mutating func close() -> (connections: [Connection], waiters: [UInt64]) {
        isClosed = true
        defer {
            idle = []
            waiters = []
        }
        return (idle, waiters)
    }
}
