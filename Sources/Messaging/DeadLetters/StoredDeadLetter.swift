import Clocks
import Postgres

/// A dead letter as its row tells.
package struct StoredDeadLetter: Sendable {
    /// Where a letter stands.
    package enum Status: String, CaseIterable, Sendable {
        /// It waits for an operator.
        case open
        /// An operator has sent it back; it is a parked message now.
        case redriving
        /// Its message was handled after that.
        case redriven
        /// An operator decided that it is to have no effect.
        case discarded
    }

    package var id: UUID
    package var topic: String
    package var partition: Int32
    package var offset: Int64
    package var orderID: UUID?
    package var messageID: UUID?
    package var trouble: Trouble
    package var attempts: Int
    package var repeats: Int
    package var redrives: Int
    package var status: Status
    package var firstSeen: Timestamp
    package var lastSeen: Timestamp
    package var editedAt: Timestamp?
    package var editedBy: String?
    package var resolvedAt: Timestamp?
    package var resolvedBy: String?
    package var resolution: String?
    package var key: [UInt8]?
    package var headers: [(name: String, value: [UInt8]?)]
    package var payload: [UInt8]?
    /// What came, where the letter was edited.
    package var original: (headers: [(name: String, value: [UInt8]?)], payload: [UInt8]?)?

    init(_ row: Row) throws {
        id = try row.uuid(0)
        topic = try row.text(1)
        partition = try row.int4(2)
        offset = try row.int8(3)
        orderID = try row.optionalUUID(4)
        messageID = try row.optionalUUID(5)
        trouble = Trouble(try row.rawValue(6), try row.text(7))
        attempts = Int(try row.int4(8))
        repeats = Int(try row.int4(9))
        redrives = Int(try row.int4(10))
        status = try row.rawValue(11)
        firstSeen = try row.timestamp(12)
        lastSeen = try row.timestamp(13)
        editedAt = try row.optionalTimestamp(14)
        editedBy = try row.optionalText(15)
        resolvedAt = try row.optionalTimestamp(16)
        resolvedBy = try row.optionalText(17)
        resolution = try row.optionalText(18)
        key = try row.optionalBytes(19)
        // What was written before headers had their present form is shown as nothing rather than not at all.
        headers = KeptRecord.headers(try row.json(20)) ?? []
        payload = try row.optionalBytes(21)
        if !row.isNull(22) {
            original = (KeptRecord.headers(try row.json(22)) ?? [], try row.optionalBytes(23))
        }
    }

    /// The letter as the record it is now.
    package var content: IncomingRecord {
        IncomingRecord(
            origin: MessageOrigin(topic: topic, partition: partition, offset: offset), key: key, headers: headers,
            payload: payload)
    }
}

/// Which letters are meant: those that have all that is given.
package struct DeadLetterFilter: Sendable, Hashable {
    package var status: StoredDeadLetter.Status?
    package var reason: Trouble.Reason?
    package var topic: String?

    package init(status: StoredDeadLetter.Status? = nil, reason: Trouble.Reason? = nil, topic: String? = nil) {
        self.status = status
        self.reason = reason
        self.topic = topic
    }
}
