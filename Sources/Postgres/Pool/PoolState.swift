import Clocks

/// Which connections are idle and how many are at work: a pure state machine; ``PostgresClient`` does the work.
///
/// A connection is *idle* (leaves to *busy* by `acquire`, or is closed) or *busy* (leaves to *idle* by `release`, or is
/// closed). Nobody waits here: whoever acquires has a place of the bulkhead in front, which has as many as there may be
/// connections.
struct PoolState<Connection: Sendable>: Sendable {
    enum Acquired {
        case connection(Connection)
        /// There is room for another connection: make one, it counts as busy.
        case makeConnection
        case closed
    }

    enum Released {
        case idle
        /// The connection is not needed any more: close it.
        case close
    }

    private(set) var idle: [Connection] = []
    private(set) var busy = 0
    private(set) var isClosed = false
    private let maximum: Int

    init(maximum: Int) {
        self.maximum = maximum
        idle.reserveCapacity(maximum)
    }

    mutating func acquire() -> Acquired {
        if isClosed { return .closed }
        precondition(busy < maximum, "a connection is acquired without a place")
        busy += 1
        // The one used last: its statements are prepared, and its memory is warm.
        return idle.popLast().map { .connection($0) } ?? .makeConnection
    }

    mutating func release(_ connection: Connection, isUsable: Bool) -> Released {
        precondition(busy > 0, "a connection is released that was not acquired")
        busy -= 1
        guard isUsable, !isClosed else { return .close }
        idle.append(connection)
        return .idle
    }

    /// Nothing is acquired any more; answers what to close now. What is busy is closed when it is released.
    mutating func close() -> [Connection] {
        isClosed = true
        defer { idle = [] }
        return idle
    }
}
