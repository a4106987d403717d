import Clocks
import Postgres

/// The statements of parking. Whoever adds or takes messages of a key holds its row in `parked_keys` until the commit.
enum ParkingStatements {
    /// What is written of a message that has to wait.
    struct Entry: Sendable {
        var record: KeptRecord
        var orderID: UUID
        /// Set for the head of a key.
        var trouble: Trouble?
    }

    /// Locks those of these keys of which messages wait, in order: `(order_id)`.
    static func lockKeys(topic: String, _ orders: [UUID]) -> Statement {
        Statement(
            """
            SELECT order_id FROM parked_keys WHERE topic = $1::text AND order_id = ANY($2::uuid[])
            ORDER BY order_id FOR UPDATE
            """, [.text(topic), .uuids(Set(orders).sorted())])
    }

    /// Opens keys, each due after its wait in seconds, and locks them. One that somebody else has opened stays as it is.
    static func open(topic: String, _ keys: [(order: UUID, wait: Duration)]) -> Statement {
        Statement(
            """
            INSERT INTO parked_keys AS k (topic, order_id, due_at)
            SELECT $1::text, n.order_id, clock_timestamp() + make_interval(secs => n.wait)
            FROM unnest($2::uuid[], $3::float8[]) AS n(order_id, wait) ORDER BY n.order_id
            ON CONFLICT (topic, order_id) DO UPDATE SET claims = k.claims
            """, [.text(topic), .uuids(keys.map(\.order)), .doubles(keys.map(\.wait.inSeconds))])
    }

    /// Adds messages behind those of their keys; one that waits already is counted as its repeat.
    static func park(topic: String, _ entries: [Entry]) -> Statement {
        Statement(
            """
            INSERT INTO parked_messages AS p
                (topic, order_id, identity, message_id, partition, "offset", message_key, headers, payload, trouble,
                 reason, attempts)
            SELECT $1::text, m.order_id, m.identity, m.message_id, m.partition, m.at, m.message_key,
                   m.headers::jsonb, m.payload, m.trouble, m.reason, m.attempts
            FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::int4[], $6::int8[], $7::bytea[], $8::text[], $9::bytea[],
                        $10::text[], $11::text[], $12::int4[])
                 WITH ORDINALITY AS m(order_id, identity, message_id, partition, at, message_key, headers, payload,
                                      trouble, reason, attempts, number)
            ORDER BY m.number
            ON CONFLICT (topic, identity) DO UPDATE SET repeats = p.repeats + 1, last_seen = clock_timestamp()
            """,
            [
                .text(topic), .uuids(entries.map(\.orderID)), .texts(entries.map(\.record.identity)),
                .optionalUUIDs(entries.map(\.record.envelope?.id)), .int4s(entries.map(\.record.origin.partition)),
                .int8s(entries.map(\.record.origin.offset)), .optionalBytesArray(entries.map(\.record.key)),
                .texts(entries.map { KeptRecord.encode($0.record.headers) }),
                .optionalBytesArray(entries.map(\.record.payload)),
                .optionalTexts(entries.map(\.trouble?.reason.rawValue)),
                .optionalTexts(entries.map(\.trouble?.detail)), .int4s(entries.map { $0.trouble == nil ? 0 : 1 }),
            ])
    }

    /// Claims keys of these topics that are due, the longest overdue first: `(topic, order_id, claims)`.
    static func claim(topics: [String], lease: Duration, limit: Int) -> Statement {
        Statement(
            """
            UPDATE parked_keys k
            SET claims = k.claims + 1, due_at = clock_timestamp() + make_interval(secs => $2::float8)
            FROM (SELECT topic, order_id FROM parked_keys
                  WHERE due_at <= clock_timestamp() AND topic = ANY($1::text[])
                  ORDER BY due_at LIMIT $3::int8 FOR UPDATE SKIP LOCKED) AS d
            WHERE k.topic = d.topic AND k.order_id = d.order_id
            RETURNING k.topic, k.order_id, k.claims
            """, [.texts(topics), .double(lease.inSeconds), .int8(Int64(limit))])
    }

    /// Seconds until the nearest key of these topics is due; no row when none waits.
    static func nextDue(topics: [String]) -> Statement {
        Statement(
            """
            SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM parked_keys
            WHERE topic = ANY($1::text[]) ORDER BY due_at LIMIT 1
            """, [.texts(topics)])
    }

    /// The oldest messages of a key.
    static func messages(of claim: ParkedClaim, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(ParkedMessage.columns) FROM parked_messages
            WHERE topic = $1::text AND order_id = $2::uuid ORDER BY place LIMIT $3::int8
            """, [.text(claim.topic), .uuid(claim.orderID), .int8(Int64(limit))])
    }

    /// Locks the key if the claim still holds: one row, or none.
    static func lock(_ claim: ParkedClaim) -> Statement {
        Statement(
            """
            SELECT claims FROM parked_keys WHERE topic = $1::text AND order_id = $2::uuid AND claims = $3::int8
            FOR UPDATE
            """, [.text(claim.topic), .uuid(claim.orderID), .int8(claim.number)])
    }

    /// The place of the newest message of the key, to be asked once the key is locked.
    static func newest(of claim: ParkedClaim) -> Statement {
        Statement(
            "SELECT max(place) FROM parked_messages WHERE topic = $1::text AND order_id = $2::uuid",
            [.text(claim.topic), .uuid(claim.orderID)])
    }

    /// Removes the messages of a key up to a place.
    static func remove(of claim: ParkedClaim, upTo place: Int64) -> Statement {
        Statement(
            "DELETE FROM parked_messages WHERE topic = $1::text AND order_id = $2::uuid AND place <= $3::int8",
            [.text(claim.topic), .uuid(claim.orderID), .int8(place)])
    }

    /// The key has no messages any more.
    static func close(_ claim: ParkedClaim) -> Statement {
        Statement(
            "DELETE FROM parked_keys WHERE topic = $1::text AND order_id = $2::uuid",
            [.text(claim.topic), .uuid(claim.orderID)])
    }

    /// The key goes unless it has messages.
    static func closeIfEmpty(_ claim: ParkedClaim) -> Statement {
        Statement(
            """
            DELETE FROM parked_keys k WHERE topic = $1::text AND order_id = $2::uuid AND NOT EXISTS (
                SELECT 1 FROM parked_messages m WHERE m.topic = k.topic AND m.order_id = k.order_id)
            """, [.text(claim.topic), .uuid(claim.orderID)])
    }

    /// The key is due after this.
    static func postpone(_ claim: ParkedClaim, by wait: Duration) -> Statement {
        Statement(
            """
            UPDATE parked_keys SET due_at = clock_timestamp() + make_interval(secs => $3::float8)
            WHERE topic = $1::text AND order_id = $2::uuid
            """, [.text(claim.topic), .uuid(claim.orderID), .double(wait.inSeconds)])
    }

    /// A message failed once more.
    static func note(_ trouble: Trouble, failures: Int, at place: Int64, of claim: ParkedClaim) -> Statement {
        Statement(
            """
            UPDATE parked_messages SET attempts = $4::int4, trouble = $5::text, reason = $6::text,
                last_seen = clock_timestamp()
            WHERE topic = $1::text AND order_id = $2::uuid AND place = $3::int8
            """,
            [
                .text(claim.topic), .uuid(claim.orderID), .int8(place), .int4(Int32(failures)),
                .text(trouble.reason.rawValue), .text(trouble.detail),
            ])
    }
}
