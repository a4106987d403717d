import Clocks
import Postgres

/// A record that could not be processed, with everything needed to understand it and to try it again.
package struct DeadLetter: Sendable {
    package var origin: MessageOrigin
    /// Known when the record was a message of ours.
    package var envelope: MessageEnvelope?
    package var key: [UInt8]?
    /// The record's headers as they came, in order.
    package var headers: [(name: String, value: [UInt8]?)]
    package var payload: [UInt8]?
    /// One sentence for the operator.
    package var reason: String
    package var attempts: Int
    package var firstSeen: Timestamp

    package init(
        origin: MessageOrigin, key: [UInt8]?, headers: [(name: String, value: [UInt8]?)], payload: [UInt8]?,
        reason: String, attempts: Int, firstSeen: Timestamp
    ) {
        self.origin = origin
        self.key = key
        self.headers = headers
        self.payload = payload
        self.reason = reason
        self.attempts = attempts
        self.firstSeen = firstSeen
    }

    package init(_ message: IncomingMessage, reason: String, attempts: Int, firstSeen: Timestamp) {
        let envelope = message.envelope
        self.init(
            origin: message.origin, key: Array(envelope.orderID.description.utf8),
            headers: envelope.kafkaHeaders.map { ($0.name, $0.value) }, payload: envelope.payload, reason: reason,
            attempts: attempts, firstSeen: firstSeen)
        self.envelope = envelope
    }

    /// How many dead letters there are.
    package static let census = Statement("SELECT count(*) FROM dead_letters")
    /// How many dead letters there are by topic: `(topic, count)`.
    package static let censusByTopic = Statement("SELECT topic, count(*) FROM dead_letters GROUP BY topic")

    /// Records dead letters; one that is there already (the record was read again) counts its attempts up.
    static func insert(_ letters: [DeadLetter], ids: [UUID], now: Timestamp) -> Statement {
        Statement(
            """
            INSERT INTO dead_letters AS d
                (id, topic, partition, "offset", order_id, message_key, headers, payload, reason, attempts,
                 first_seen, last_seen)
            SELECT l.id, l.topic, l.partition, l.at, l.order_id, l.message_key, l.headers::jsonb, l.payload, l.reason,
                   l.attempts, l.first_seen, $11::timestamptz
            FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::int8[], $5::uuid[], $6::bytea[], $7::text[],
                        $8::bytea[], $9::text[], $10::int4[], $12::timestamptz[])
                 AS l(id, topic, partition, at, order_id, message_key, headers, payload, reason, attempts, first_seen)
            ON CONFLICT (topic, partition, "offset") DO UPDATE
                SET attempts = d.attempts + excluded.attempts, last_seen = excluded.last_seen, reason = excluded.reason
            """,
            [
                .uuids(ids), .texts(letters.map(\.origin.topic)), .int4s(letters.map(\.origin.partition)),
                .int8s(letters.map(\.origin.offset)), .optionalUUIDs(letters.map(\.envelope?.orderID)),
                .optionalBytesArray(letters.map(\.key)), .texts(letters.map(\.headersAsJSON)),
                .optionalBytesArray(letters.map(\.payload)), .texts(letters.map(\.reason)),
                .int4s(letters.map { Int32($0.attempts) }), .timestamp(now), .timestamps(letters.map(\.firstSeen)),
            ])
    }
}
