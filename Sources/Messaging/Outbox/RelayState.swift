import Clocks

/// What a relay knows of the rows it has to publish: a pure state machine; ``OutboxRelay`` does the work.
///
/// Each known row is in exactly one of these:
/// - **ready**: to be sent, in commit order. Leaves to *in flight* (`takeBatch`) or *held* never.
/// - **held**: an older row of the same order belongs to another process, or may be in the table after a commit whose answer
///   was lost (`expect`). Leaves to *ready* (`release`), the latter only once the table has told (`addReadBack`).
/// - **in flight**: handed to the broker. Leaves to *published* (acknowledged) or back to *ready*, at its place (failed).
/// - **published**: acknowledged, not yet deleted. Leaves when all of its batch is, and the deletion is committed (`forget`).
///
/// A batch may be known in part, when only the rows of some orders were read. After a crash all of it is published again.
///
/// When memory is full (`limit`), newer rows are not taken in (`isBehind`): they stay in the table and are
/// read from there, oldest first, once memory has drained. What is committed while they are read is put aside until what was
/// read has its place in front. Nothing is lost by that, and the order is kept.
package struct RelayState: Sendable {
    private var ready: [OutboxRow] = []
    private var held: [UUID: [OutboxRow]] = [:]
    private var inFlight: [OutboxRow] = []
    /// Batches all of whose rows are acknowledged.
    private var published: [Int64] = []
    /// Batches with known rows that are not yet deleted.
    private var known: [Int64: KnownBatch] = [:]
    /// Orders with a commit of unknown outcome, and from when on the table tells it.
    private var uncertain: [UUID: MonotonicInstant] = [:]
    /// What was committed while rows are read back.
    private var aside: [(rows: [OutboxRow], foreign: Set<UUID>)] = []
    private let limit: Int

    private struct KnownBatch {
        /// Those of the known rows, acknowledged ones too.
        var places: Set<Int> = []
        /// How many rows of the whole batch are not acknowledged.
        var unacknowledged: Int
    }

    /// Since when rows are being read from the table; nil while none are.
    private var lookBegan: MonotonicInstant?
    /// True while rows are in the table that memory had no room for.
    package private(set) var isBehind = false

    /// - Parameter limit: how many rows memory may hold.
    package init(limit: Int) {
        self.limit = limit
    }

    /// How many rows are known and not yet deleted.
    package private(set) var count = 0
    /// The orders whose rows wait for another process.
    package var heldOrders: [UUID] { held.keys.filter { uncertain[$0] == nil } }
    /// The newest row that waits of each of these orders.
    package var newestHeld: [OutboxRow.Position] {
        held.compactMap { order, rows in uncertain[order] == nil ? rows.last?.position : nil }
    }
    /// Whether rows may be read from the table although memory has a limit: what is held does not count, for it may wait
    /// for just those rows; nor do acknowledged ones, which may share a batch with one that is held.
    package var hasRoomToReadBack: Bool { ready.count + inFlight.count < max(1, limit / 2) }
    /// How many batches were published and wait to be deleted.
    package var publishedCount: Int { published.count }
    /// Whether there is something to send now.
    package var canSend: Bool { inFlight.isEmpty && !ready.isEmpty }

    /// Takes in rows that were just committed here; `foreign` are the orders that must wait for another process.
    package mutating func add(_ rows: [OutboxRow], waitingFor foreign: Set<UUID> = []) {
        guard !isBehind, count + aside.reduce(rows.count, { $0 + $1.rows.count }) <= limit else {
            // Newer than what waits to be read: it is in the table as well.
            (isBehind, aside) = (true, [])
            return
        }
        if lookBegan != nil {
            aside.append((rows, foreign))
        } else {
            insert(rows, waitingFor: foreign)
        }
    }

    /// A commit about these orders has an unknown outcome: what follows waits until the table can tell, at `instant`.
    package mutating func expect(_ orders: some Sequence<UUID>, until instant: MonotonicInstant) {
        for order in orders { uncertain[order] = max(instant, uncertain[order] ?? instant) }
    }

    /// Begins to read the table; answers the orders whose unknown commits it can tell of, all of whose rows must be read.
    ///
    /// What is committed from now on is taken in again, behind what is read.
    package mutating func beginReadingBack(at now: MonotonicInstant) -> [UUID] {
        (lookBegan, isBehind) = (now, false)
        return uncertain.filter { $0.value <= now }.map(\.key)
    }

    /// Takes in rows read from the table, then what was put aside; those already known are passed over. Answers how many of
    /// those read were new.
    ///
    /// - Parameter isComplete: false when the table had more: what was put aside is then left to be read like it.
    @discardableResult
    package mutating func addReadBack(_ rows: [OutboxRow], isComplete: Bool = true) -> Int {
        let fresh = insert(rows, waitingFor: [])
        // A commit that was lost since then is not in what was read.
        if let began = lookBegan { uncertain = uncertain.filter { $0.value > began } }
        endReadingBack(isComplete: isComplete)
        return fresh
    }

    /// Rows could not be read: `wasBehind` says that some are in the table alone, and must still go first.
    package mutating func failReadingBack(wasBehind: Bool) {
        endReadingBack(isComplete: !wasBehind)
    }

    private mutating func endReadingBack(isComplete: Bool) {
        lookBegan = nil
        if !isComplete { isBehind = true }
        let put = isBehind ? [] : aside
        aside = []
        for (rows, foreign) in put { insert(rows, waitingFor: foreign) }
    }

    /// Takes in rows of a process that is gone. Rows that waited for them stay behind them.
    package mutating func addTakenOver(_ rows: [OutboxRow]) {
        for row in takeIn(rows) {
            let order = row.position.orderID
            if uncertain[order] != nil
                || (held[order]?.first.map { $0.position.sequence < row.position.sequence } ?? false)
            {
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

    @discardableResult
    private mutating func insert(_ rows: [OutboxRow], waitingFor foreign: Set<UUID>) -> Int {
        let fresh = takeIn(rows)
        for row in fresh {
            let order = row.position.orderID
            if foreign.contains(order) || held[order] != nil || uncertain[order] != nil {
                hold(row)
            } else {
                ready.append(row)
            }
        }
        return fresh.count
    }

    /// Those of the rows that were not known; now they are.
    private mutating func takeIn(_ rows: [OutboxRow]) -> [OutboxRow] {
        let fresh = rows.filter { row in
            known[row.position.batch, default: KnownBatch(unacknowledged: row.batchSize)].places
                .insert(row.position.place).inserted
        }
        count += fresh.count
        return fresh
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
                acknowledge(row.position.batch)
            } else {
                failedOrders.insert(row.position.orderID)
                again.append(row)
            }
        }
        inFlight = []
        ready.insert(contentsOf: again, at: 0)
    }

    private mutating func acknowledge(_ number: Int64) {
        known[number]?.unacknowledged -= 1
        if known[number]?.unacknowledged == 0 { published.append(number) }
    }

    /// The batches that can be deleted now; ``forget(_:)`` follows when that is committed, ``keep(_:)`` when it failed.
    package mutating func takePublished() -> [Int64] {
        defer { published = [] }
        return published
    }

    /// The batches are deleted.
    package mutating func forget(_ batches: [Int64]) {
        for batch in batches { count -= known.removeValue(forKey: batch)?.places.count ?? 0 }
    }

    /// The deletion failed; it is tried again later.
    package mutating func keep(_ batches: [Int64]) {
        published.append(contentsOf: batches)
    }

    /// Rows up to those that were asked about go on, but for those behind an older row of another process.
    ///
    /// - Parameters:
    ///   - asked: what ``newestHeld`` was when the table was looked at; what was held since goes on waiting.
    ///   - foreign: by order, the sequence of the oldest row of another process in front of the row asked about.
    package mutating func release(upTo asked: [OutboxRow.Position], before foreign: [UUID: Int64]) {
        for position in asked where uncertain[position.orderID] == nil {
            guard let rows = held[position.orderID] else { continue }
            let end = foreign[position.orderID] ?? position.sequence + 1
            let free = rows.prefix { $0.position.sequence < end }
            guard !free.isEmpty else { continue }
            ready.append(contentsOf: free)
            held[position.orderID] = free.count == rows.count ? nil : Array(rows.dropFirst(free.count))
        }
    }
}
