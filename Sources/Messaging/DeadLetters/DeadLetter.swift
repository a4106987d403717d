import Clocks
import Postgres

/// A record that was given up, with everything needed to understand it and to try it again.
package struct DeadLetter: Sendable {
    package var record: KeptRecord
    package var trouble: Trouble
    package var attempts: Int
    package var firstSeen: Timestamp

    package init(_ record: KeptRecord, _ trouble: Trouble, attempts: Int, firstSeen: Timestamp) {
        self.record = record
        self.trouble = trouble
        self.attempts = attempts
        self.firstSeen = firstSeen
    }

    /// How many dead letters wait for an operator.
    package static let census = Statement("SELECT count(*) FROM dead_letters WHERE status = 'open'")
    /// The same by topic: `(topic, count)`.
    package static let censusByTopic = Statement(
        "SELECT topic, count(*) FROM dead_letters WHERE status = 'open' GROUP BY topic ORDER BY topic")

    /// What is written of a letter that is there already: it is open again, and its attempts count up. Its contents stay
    /// as they are, for they may have been edited.
    private static let again = """
        ON CONFLICT (topic, identity) DO UPDATE
            SET status = 'open', attempts = d.attempts + excluded.attempts, repeats = d.repeats + excluded.repeats,
                last_seen = clock_timestamp(), reason = excluded.reason, trouble = excluded.trouble,
                resolved_at = NULL, resolved_by = NULL, resolution = NULL
        """

    /// Records dead letters; one that is there already (the record was read again) is opened again.
    static func insert(_ letters: [DeadLetter], ids: [UUID]) -> Statement {
        Statement(
            """
            INSERT INTO dead_letters AS d
                (id, topic, partition, "offset", order_id, message_key, headers, payload, reason, attempts,
                 first_seen, last_seen, identity, message_id, trouble)
            SELECT l.id, l.topic, l.partition, l.at, l.order_id, l.message_key, l.headers::jsonb, l.payload, l.reason,
                   l.attempts, l.first_seen, clock_timestamp(), l.identity, l.message_id, l.trouble
            FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::int8[], $5::uuid[], $6::bytea[], $7::text[],
                        $8::bytea[], $9::text[], $10::int4[], $11::timestamptz[], $12::text[], $13::uuid[], $14::text[])
                 AS l(id, topic, partition, at, order_id, message_key, headers, payload, reason, attempts, first_seen,
                      identity, message_id, trouble)
            \(again)
            """,
            [
                .uuids(ids), .texts(letters.map(\.record.origin.topic)), .int4s(letters.map(\.record.origin.partition)),
                .int8s(letters.map(\.record.origin.offset)), .optionalUUIDs(letters.map(\.record.orderID)),
                .optionalBytesArray(letters.map(\.record.key)),
                .texts(letters.map { KeptRecord.encode($0.record.headers) }),
                .optionalBytesArray(letters.map(\.record.payload)), .texts(letters.map(\.trouble.detail)),
                .int4s(letters.map { Int32($0.attempts) }), .timestamps(letters.map(\.firstSeen)),
                .texts(letters.map(\.record.identity)), .optionalUUIDs(letters.map(\.record.envelope?.id)),
                .texts(letters.map(\.trouble.reason.rawValue)),
            ])
    }

    /// Makes a dead letter of a parked message, which keeps its place.
    static func bury(at place: Int64, of claim: ParkedClaim, id: UUID, _ trouble: Trouble, attempts: Int) -> Statement {
        Statement(
            """
            INSERT INTO dead_letters AS d
                (id, topic, partition, "offset", order_id, message_key, headers, payload, reason, attempts,
                 first_seen, last_seen, place, identity, message_id, trouble, repeats)
            SELECT $4::uuid, topic, partition, "offset", order_id, message_key, headers, payload, $5::text, $6::int4,
                   first_seen, clock_timestamp(), place, identity, message_id, $7::text, repeats
            FROM parked_messages WHERE topic = $1::text AND order_id = $2::uuid AND place = $3::int8
            \(again)
            """,
            [
                .text(claim.topic), .uuid(claim.orderID), .int8(place), .uuid(id), .text(trouble.detail),
                .int4(Int32(attempts)), .text(trouble.reason.rawValue),
            ])
    }

    /// Letters whose messages were handled after they were redriven.
    static func resolve(_ letters: [UUID]) -> Statement {
        Statement(
            """
            UPDATE dead_letters SET status = 'redriven', resolved_at = clock_timestamp()
            WHERE id = ANY($1::uuid[]) AND status = 'redriving'
            """, [.uuids(letters)])
    }
}
