import Clocks
import Messaging

/// The tables that every service has: outbox, inbox, dead letters. As the statements of `Messaging` use them.
struct MessageTables {
    struct OutboxEntry {
        var row: OutboxRow
        var owner: Int64
        var createdAt: Instant
    }

    /// In order of writing.
    private(set) var outbox: [OutboxEntry] = []
    /// What was handled, and what was answered.
    var inbox: [UUID: [UInt8]?] = [:]
    var parking = ParkingTables()
    private var batch: Int64 = 0

    /// As `Outbox.foreignOrders`.
    func foreignOrders(among messages: [OutgoingMessage], owner: Int64) -> Set<UUID> {
        guard !outbox.isEmpty else { return [] }
        let orders = Set(messages.map(\.envelope.orderID))
        return Set(outbox.filter { $0.owner != owner }.map(\.row.position.orderID)).intersection(orders)
    }

    /// As `Outbox.insert`.
    mutating func insert(_ messages: [OutgoingMessage], owner: Int64, at now: Instant) -> [OutboxRow] {
        batch += 1
        return messages.enumerated().map { place, message in
            let row = OutboxRow(
                position: .init(orderID: message.envelope.orderID, batch: batch, place: place),
                batchSize: messages.count, message: message)
            outbox.append(OutboxEntry(row: row, owner: owner, createdAt: now))
            return row
        }
    }

    /// As `Outbox.oldestForeign`.
    func oldestForeign(before positions: [OutboxRow.Position], owner: Int64) -> [UUID: Int64] {
        var oldest: [UUID: Int64] = [:]
        for position in positions {
            oldest[position.orderID] =
                outbox.first {
                    $0.owner != owner && $0.row.position.orderID == position.orderID
                        && $0.row.position.batch < position.batch
                }.map { OutboxRow.Position.sequence(batch: $0.row.position.batch) }
        }
        return oldest
    }

    /// As `Outbox.delete`.
    mutating func delete(_ batches: [Int64]) {
        let gone = Set(batches)
        outbox.removeAll { gone.contains($0.row.position.batch) }
    }

    /// As `Outbox.ownRows`.
    func ownRows(_ owner: Int64, createdBefore time: Instant, limit: Int) -> [OutboxRow] {
        let own = outbox.lazy.filter { $0.owner == owner && $0.createdAt <= time }.map(\.row)
        // Whole batches: the last one is the one that reaches the limit.
        guard let last = own.prefix(limit).last?.position.batch else { return [] }
        return Array(own.prefix { $0.position.batch <= last })
    }

    /// As `Outbox.ownRows(of:)`.
    func ownRows(_ owner: Int64, of orders: Set<UUID>) -> [OutboxRow] {
        outbox.lazy.filter { $0.owner == owner && orders.contains($0.row.position.orderID) }.map(\.row)
    }

    /// As `Outbox.otherOwners`, in a fixed order.
    func otherOwners(than owner: Int64) -> [Int64] {
        Set(outbox.lazy.map(\.owner).filter { $0 != owner }).sorted()
    }

    /// As `Outbox.takeOver`, of an owner that is gone.
    mutating func takeOver(from gone: Int64, to owner: Int64) -> [OutboxRow] {
        var rows: [OutboxRow] = []
        for index in outbox.indices where outbox[index].owner == gone {
            outbox[index].owner = owner
            rows.append(outbox[index].row)
        }
        return rows
    }
}
