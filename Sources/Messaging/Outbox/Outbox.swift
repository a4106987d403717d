import Clocks
import Postgres

/// The statements of the outbox: how messages are written with a state change and removed once published.
///
/// A row belongs to the process that wrote it (`owner`), which publishes it from memory right after the commit. Rows
/// are read back only after a crash, by whoever finds that their owner is gone.
package struct Outbox: Sendable {
    /// Identifies this process's rows; also the key of the advisory lock that says it is alive.
    package let owner: Int64

    package init(owner: Int64) {
        self.owner = owner
    }

    /// Writes messages in the transaction that causes them.
    ///
    /// Answers one row a message: `(id, sequence)`.
    package func insert(_ messages: [OutgoingMessage]) -> Statement {
        Statement(
            """
            INSERT INTO outbox (order_id, owner, topic, id, type, time, traceparent, tracestate, deadline, payload)
            SELECT m.order_id, $1::bigint, m.topic, m.id, m.type, m.time, m.traceparent, m.tracestate, m.deadline, m.payload
            FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[], $8::text[],
                        $9::timestamptz[], $10::bytea[])
                 WITH ORDINALITY AS m(order_id, topic, id, type, time, traceparent, tracestate, deadline, payload, place)
            ORDER BY m.place
            RETURNING id, sequence
            """,
            [
                .int8(owner), .uuids(messages.map(\.envelope.orderID)), .texts(messages.map(\.topic)),
                .uuids(messages.map(\.envelope.id)), .texts(messages.map(\.envelope.type)),
                .timestamps(messages.map(\.envelope.time)), .optionalTexts(messages.map(\.envelope.traceparent)),
                .optionalTexts(messages.map(\.envelope.tracestate)),
                .optionalTimestamps(messages.map(\.envelope.deadline)),
                .bytesArray(messages.map(\.envelope.payload)),
            ])
    }

    /// Which of these orders have older messages of another process waiting: theirs go first.
    package func foreignOrders(among orders: [UUID]) -> Statement {
        Statement(
            """
            SELECT DISTINCT o.order_id FROM unnest($2::uuid[]) AS k(order_id)
            JOIN outbox o ON o.order_id = k.order_id WHERE o.owner <> $1::bigint
            """, [.int8(owner), .uuids(orders)])
    }

    /// Removes what the broker has acknowledged.
    package func delete(_ rows: [OutboxRow.Position]) -> Statement {
        Statement(
            """
            DELETE FROM outbox o USING unnest($1::uuid[], $2::bigint[]) AS p(order_id, sequence)
            WHERE o.order_id = p.order_id AND o.sequence = p.sequence
            """, [.uuids(rows.map(\.orderID)), .int8s(rows.map(\.sequence))])
    }

    /// The processes other than this one that have rows waiting.
    package func otherOwners() -> Statement {
        Statement("SELECT DISTINCT owner FROM outbox WHERE owner <> $1::bigint", [.int8(owner)])
    }

    /// Takes over up to `limit` of the oldest rows of `gone`, if that process no longer holds its lock.
    package func takeOver(from gone: Int64, limit: Int) -> Statement {
        Statement(
            """
            WITH free AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($2::bigint) AS is_free),
            oldest AS (
                SELECT order_id, sequence FROM outbox
                WHERE owner = $2::bigint AND (SELECT is_free FROM free)
                ORDER BY sequence LIMIT $3::bigint FOR UPDATE SKIP LOCKED)
            UPDATE outbox o SET owner = $1::bigint FROM oldest
            WHERE o.order_id = oldest.order_id AND o.sequence = oldest.sequence
            RETURNING \(OutboxRow.columns)
            """, [.int8(owner), .int8(gone), .int8(Int64(limit))])
    }

    /// This process's own rows from the oldest on, for when memory does not have them.
    package func ownRows(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(OutboxRow.columns) FROM outbox o
            WHERE owner = $1::bigint AND created_at <= now() - make_interval(secs => $2::float8)
            ORDER BY sequence LIMIT $3::bigint
            """, [.int8(owner), .double(age.inSeconds), .int8(Int64(limit))])
    }

    /// `(pending, age of the oldest in seconds)`.
    package static let census = Statement(
        "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox")
}
