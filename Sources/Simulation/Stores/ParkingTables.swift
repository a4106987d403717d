import Clocks
import Contracts
import Messaging

/// What could not be handled: messages that wait by key, and dead letters. As the statements of `Messaging/Parking` keep it.
struct ParkingTables {
    struct Key: Hashable, Comparable {
        var topic: Int
        var order: UUID

        static func < (left: Key, right: Key) -> Bool {
            (left.topic, left.order) < (right.topic, right.order)
        }
    }

    struct Message {
        var place: Int
        var record: Record
        var failures: Int
    }

    struct KeyRow {
        var dueAt: Instant
        var claims = 0
        /// In order of place.
        var messages: [Message] = []
    }

    private(set) var keys: [Key: KeyRow] = [:]
    private(set) var letters: [(key: Key, message: Message)] = []
    private var place = 0

    var isEmpty: Bool { keys.isEmpty && letters.isEmpty }
    var nextDue: Instant? { keys.values.map(\.dueAt).min() }

    /// As `ParkingStatements.open` and `park`: one that waits already is counted as its repeat.
    mutating func park(_ record: Record, in key: Key, failures: Int, due: Instant) {
        var row = keys[key] ?? KeyRow(dueAt: due)
        if !row.messages.contains(where: { $0.record.envelope.id == record.envelope.id }) {
            place += 1
            row.messages.append(Message(place: place, record: record, failures: failures))
        }
        keys[key] = row
    }

    /// As `ParkingStatements.claim`.
    mutating func claim(_ now: Instant, lease: Int64) -> (key: Key, number: Int)? {
        let due = keys.filter { $0.value.dueAt <= now }.min { ($0.value.dueAt, $0.key) < ($1.value.dueAt, $1.key) }
        guard let key = due?.key else { return nil }
        keys[key]?.claims += 1
        keys[key]?.dueAt = now + lease
        return (key, keys[key]?.claims ?? 0)
    }

    /// Removes what lies up to a place; the key goes with its last message, else it is due then. With `failures` the message
    /// that is first now has failed so often.
    mutating func remove(_ key: Key, upTo place: Int?, due: Instant, failures: Int? = nil) {
        guard var row = keys[key] else { return }
        if let place { row.messages.removeAll { $0.place <= place } }
        row.dueAt = due
        if let failures, !row.messages.isEmpty { row.messages[0].failures = failures }
        keys[key] = row.messages.isEmpty ? nil : row
    }

    /// The claim ends.
    mutating func release(_ key: Key) {
        keys[key]?.claims += 1
    }

    mutating func bury(_ message: Message, of key: Key) {
        letters.append((key, message))
    }

    /// As the desk's redrive: each goes back to its place among those of its key, due at once.
    mutating func redrive(_ now: Instant) -> [Record] {
        let redriven = letters
        letters = []
        for (key, message) in redriven {
            var row = keys[key] ?? KeyRow(dueAt: now)
            row.dueAt = now
            var again = message
            again.failures = 0
            let place = row.messages.firstIndex { $0.place > message.place } ?? row.messages.endIndex
            if !row.messages.contains(where: { $0.record.envelope.id == message.record.envelope.id }) {
                row.messages.insert(again, at: place)
            }
            keys[key] = row
        }
        return redriven.map(\.message.record)
    }
}
