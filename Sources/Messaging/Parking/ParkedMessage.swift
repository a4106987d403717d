import Clocks
import Postgres

/// A message that waits, as its row tells.
package struct ParkedMessage: Sendable {
    package var place: Int64
    /// What it says, read by this version of the program.
    package var content: IncomingRecord
    package var failures: Int
    package var firstSeen: Timestamp
    /// The dead letter of which this is another try.
    package var letter: UUID?

    static let columns = "place, partition, \"offset\", message_key, headers, payload, attempts, first_seen, letter"

    init(_ row: Row, topic: String) throws {
        place = try row.int8(0)
        guard let headers = KeptRecord.headers(try row.json(4)) else {
            throw PostgresError.decoding(column: "headers", expected: "a list of headers")
        }
        content = IncomingRecord(
            origin: MessageOrigin(topic: topic, partition: try row.int4(1), offset: try row.int8(2)),
            key: try row.optionalBytes(3), headers: headers, payload: try row.optionalBytes(5))
        failures = Int(try row.int4(6))
        firstSeen = try row.timestamp(7)
        letter = try row.optionalUUID(8)
    }
}

/// A key whose messages one process may try for a while.
package struct ParkedClaim: Sendable, Hashable {
    package var topic: String
    package var orderID: UUID
    /// Tells this claim from others: whoever comes later has a higher one.
    package var number: Int64
}

extension UUID {
    /// 0 to 1, the same for the same id: keeps what waits together from waking together.
    var spread: Double { Double(low & 0xFFFF) / 65_536 }
}
