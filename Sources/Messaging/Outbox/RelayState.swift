import Clocks

/// What a relay knows of the rows it has to publish: a pure state machine; ``OutboxRelay`` does the work.
///
/// Each known row is in exactly one of these:
/// - **ready**: to be sent, in commit order. Leaves to *in flight* (`takeBatch`) or *held* never.
/// - **held**: an older row of the same order belongs to another process. Leaves to *ready* (`release`).
/// - **in flight**: handed to the broker. Leaves to *published* (acknowledged) or back to *ready*, at its place (failed).
/// - **published**: acknowledged, not yet deleted. Leaves when the deletion is committed (`forget`).
///
/// When memory is full (`limit`), newer rows are not taken in (`isBehind`): they stay in the table and are
/// read from there, oldest first, once memory has drained. Nothing is lost by that, and the order is kept.
package struct RelayState: Sendable {
    private var ready: [OutboxRow] = []
    private var held: [UUID: [OutboxRow]] = [:]
    private var inFlight: [OutboxRow] = []
    private var published: [OutboxRow.Position] = []
    private var known: Set<OutboxRow.Position> = []
    private let limit: Int

    /// True while rows are in the table that memory had no room for.
    package private(set) var isBehind = false

    /// - Parameter limit: how many rows memory may hold.
    package init(limit: Int) {
        self.limit = limit
    }

    /// How many rows are known and not yet deleted.
    package var count: Int { known.count }
    /// The orders whose rows wait for another process.
    package var heldOrders: [UUID] { Array(held.keys) }
    /// How many rows were acknowledged and wait to be deleted.
    package var publishedCount: Int { published.count }
    /// Whether there is something to send now.
    package var canSend: Bool { inFlight.isEmpty && !ready.isEmpty }

    /// Takes in rows that were just committed here; `foreign` are the orders that must wait for another process.
    package mutating func add(_ rows: [OutboxRow], waitingFor foreign: Set<UUID> = []) {
        guard !isBehind, known.count + rows.count <= limit else {
            isBehind = true
            return
        }
        insert(rows, waitingFor: foreign)
    }

    /// Reading back begins: what is committed from now on is taken in again.
    package mutating func beginReadingBack() {
        isBehind = false
    }

    /// Takes in rows read from the table; those already known are passed over. Answers how many were new.
    @discardableResult
    package mutating func addReadBack(_ rows: [OutboxRow]) -> Int {
        let fresh = rows.filter { !known.contains($0.position) }
        insert(fresh, waitingFor: [])
        return fresh.count
    }

    /// Takes in rows of a process that is gone. Rows that waited for them stay behind them.
    package mutating func addTakenOver(_ rows: [OutboxRow]) {
        for row in rows where known.insert(row.position).inserted {
            if let first = held[row.position.orderID]?.first, first.position.sequence < row.position.sequence {
                hold(row)
            } else {
                ready.append(row)
            }
        }
    }

    /// Has the row wait, at its place among those of its order that wait already.
    private mutating func hold(_ row: OutboxRow) {
        var rows = held[row.position.orderID] ?? []
        let place = rows.firstIndex { $0.position.sequence > row.position.sequence } ?? rows.endIndex
        rows.insert(row, at: place)
        held[row.position.orderID] = rows
    }

    /// The table was longer than what was read: go on reading before new rows are taken in.
    package mutating func markBehind() {
        isBehind = true
    }

    private mutating func insert(_ rows: [OutboxRow], waitingFor foreign: Set<UUID>) {
        for row in rows where known.insert(row.position).inserted {
            let order = row.position.orderID
            if foreign.contains(order) || held[order] != nil {
                hold(row)
            } else {
                ready.append(row)
            }
        }
    }

    /// The rows to send next; nothing while a batch is in flight.
    package mutating func takeBatch(maximum: Int) -> [OutboxRow] {
        guard inFlight.isEmpty, !ready.isEmpty else { return [] }
        let count = min(maximum, ready.count)
        inFlight = Array(ready.prefix(count))
        ready.removeFirst(count)
        return inFlight
    }

    /// The broker has answered for the batch in flight: `acknowledged` says for each row whether it has it.
    ///
    /// After a failure the later rows of the same order are sent again too, behind it: twice is harmless, out of
    /// order is not.
    package mutating func finishBatch(acknowledged: [Bool]) {
        precondition(acknowledged.count == inFlight.count, "an answer for each row in flight")
        var failedOrders: Set<UUID> = []
        var again: [OutboxRow] = []
        for (row, isAcknowledged) in zip(inFlight, acknowledged) {
            if isAcknowledged, !failedOrders.contains(row.position.orderID) {
                published.append(row.position)
            } else {
                failedOrders.insert(row.position.orderID)
                again.append(row)
            }
        }
        inFlight = []
        ready.insert(contentsOf: again, at: 0)
    }

    /// What can be deleted now; ``forget(_:)`` follows when that is committed, ``keep(_:)`` when it failed.
    package mutating func takePublished() -> [OutboxRow.Position] {
        defer { published = [] }
        return published
    }

    /// The rows are deleted.
    package mutating func forget(_ rows: [OutboxRow.Position]) {
        known.subtract(rows)
    }

    /// The deletion failed; it is tried again later.
    package mutating func keep(_ rows: [OutboxRow.Position]) {
        published.append(contentsOf: rows)
    }

    /// Of the held orders only `stillForeign` go on waiting.
    package mutating func release(except stillForeign: Set<UUID>) {
        for (order, rows) in held where !stillForeign.contains(order) {
            ready.append(contentsOf: rows)
            held[order] = nil
        }
    }
}
