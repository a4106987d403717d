import Clocks
import Postgres

/// The statements with which operators see dead letters and decide about them.
enum DeadLetterStatements {
    static let columns = """
        id, topic, partition, "offset", order_id, message_id, trouble, reason, attempts, repeats, redrives, status,
        first_seen, last_seen, edited_at, edited_by, resolved_at, resolved_by, resolution, message_key, headers, payload,
        original_headers, original_payload, place, identity
        """

    /// What an operator asks for: those that have all that is given.
    private static let filter = """
        ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR trouble = $2) AND ($3::text IS NULL OR topic = $3)
        """

    private static func parameters(_ filter: DeadLetterFilter) -> [Parameter] {
        [
            filter.status.map { .text($0.rawValue) } ?? .null, filter.reason.map { .text($0.rawValue) } ?? .null,
            filter.topic.map { .text($0) } ?? .null,
        ]
    }

    /// The newest first.
    static func list(_ filter: DeadLetterFilter, after: UUID?, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(columns) FROM dead_letters WHERE \(Self.filter) AND ($4::uuid IS NULL OR id < $4)
            ORDER BY id DESC LIMIT $5::int8
            """, parameters(filter) + [after.map { .uuid($0) } ?? .null, .int8(Int64(limit))])
    }

    /// How many letters wait for an operator: `(topic, trouble, count)`.
    static let counts = Statement(
        """
        SELECT topic, trouble, count(*) FROM dead_letters WHERE status = 'open'
        GROUP BY topic, trouble ORDER BY topic, trouble
        """)

    static func find(_ id: UUID, locks: Bool = false) -> Statement {
        Statement(
            "SELECT \(columns) FROM dead_letters WHERE id = $1::uuid\(locks ? " FOR UPDATE" : "")", [.uuid(id)])
    }

    /// Locks open letters in the order of their places, passing over those that somebody else decides about.
    static func lockOpen(_ filter: DeadLetterFilter, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(columns) FROM dead_letters WHERE status = 'open' AND \(Self.filter)
            ORDER BY place LIMIT $4::int8 FOR UPDATE SKIP LOCKED
            """, parameters(filter) + [.int8(Int64(limit))])
    }

    /// Changes the contents; the first change keeps what was there.
    static func edit(
        _ id: UUID, headers: [(name: String, value: [UInt8]?)], payload: [UInt8]?, order: UUID?, by editor: String
    ) -> Statement {
        Statement(
            """
            UPDATE dead_letters SET
                original_headers = coalesce(original_headers, headers),
                original_payload = CASE WHEN original_headers IS NULL THEN payload ELSE original_payload END,
                headers = $2::text::jsonb, payload = $3::bytea, order_id = $4::uuid, edited_at = clock_timestamp(),
                edited_by = $5::text
            WHERE id = $1::uuid
            """,
            [
                .uuid(id), .text(KeptRecord.encode(headers)), payload.map { .bytes($0) } ?? .null,
                order.map { .uuid($0) } ?? .null, .text(editor),
            ])
    }

    static func discard(_ id: UUID, by operator: String, because reason: String) -> Statement {
        Statement(
            """
            UPDATE dead_letters SET status = 'discarded', resolved_at = clock_timestamp(), resolved_by = $2::text,
                resolution = $3::text
            WHERE id = $1::uuid
            """, [.uuid(id), .text(`operator`), .text(reason)])
    }

    /// Letters go back to where they waited before.
    static func redriving(_ ids: [UUID], by operator: String) -> Statement {
        Statement(
            """
            UPDATE dead_letters SET status = 'redriving', redrives = redrives + 1, resolved_by = $2::text
            WHERE id = ANY($1::uuid[])
            """, [.uuids(ids), .text(`operator`)])
    }

    /// Opens the letters' keys, due at once. Whoever tries messages of one of them now has lost it.
    static func openKeys(_ letters: [StoredDeadLetter]) -> Statement {
        let keys = Set(letters.compactMap { letter in letter.orderID.map { Key(topic: letter.topic, order: $0) } })
            .sorted { ($0.topic, $0.order) < ($1.topic, $1.order) }
        return Statement(
            """
            INSERT INTO parked_keys AS k (topic, order_id, due_at)
            SELECT n.topic, n.order_id, clock_timestamp() FROM unnest($1::text[], $2::uuid[]) AS n(topic, order_id)
            ORDER BY n.topic, n.order_id
            ON CONFLICT (topic, order_id) DO UPDATE SET claims = k.claims + 1, due_at = clock_timestamp()
            """, [.texts(keys.map(\.topic)), .uuids(keys.map(\.order))])
    }

    private struct Key: Hashable {
        var topic: String
        var order: UUID
    }

    /// Copies the letters' contents, as they are now, to where they wait, at their places. A repeat of the same message that
    /// waits already takes the letter's place and contents.
    static func park(_ ids: [UUID]) -> Statement {
        Statement(
            """
            INSERT INTO parked_messages AS p
                (topic, order_id, place, identity, message_id, partition, "offset", message_key, headers, payload,
                 attempts, first_seen, letter)
            SELECT topic, order_id, place, identity, message_id, partition, "offset", message_key, headers, payload,
                   0, first_seen, id
            FROM dead_letters WHERE id = ANY($1::uuid[]) AND order_id IS NOT NULL ORDER BY place
            ON CONFLICT (topic, identity) DO UPDATE SET
                letter = excluded.letter, place = least(p.place, excluded.place), attempts = 0,
                order_id = excluded.order_id, headers = excluded.headers, payload = excluded.payload,
                last_seen = clock_timestamp()
            """, [.uuids(ids)])
    }
}
