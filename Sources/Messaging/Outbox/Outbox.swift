import Clocks
import Postgres

/// The statements of the outbox: how messages are written with a state change and removed once published.
///
/// The messages of a transaction are one row, a batch: what is written and deleted for each order would cost more than the
/// orders themselves. A batch belongs to the process that wrote it (`owner`), which publishes it from memory right after the
/// commit. Batches are read back only after a crash, by whoever finds that their owner is gone.
package struct Outbox: Sendable {
    /// Identifies this process's batches; also the key of the advisory lock that says it is alive.
    package let owner: Int64

    /// How many messages a batch holds at most; a transaction with more writes several.
    private static let batchLimit = 512

    package init(owner: Int64) {
        self.owner = owner
    }

    /// Writes messages in the transaction that causes them; each statement answers `(sequence)` of its batch.
    package func insert(_ messages: [OutgoingMessage]) -> [Statement] {
        Self.batches(messages).map { batch in
            let envelopes = batch.map(\.envelope)
            return Statement(
                """
                INSERT INTO outbox_batches (owner, size, order_ids, topics, ids, types, times, traceparents, tracestates,
                                            deadlines, payloads)
                VALUES ($1::bigint, $2::integer, $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[],
                        $8::text[], $9::text[], $10::timestamptz[], $11::bytea[])
                RETURNING sequence
                """,
                [
                    .int8(owner), .int4(Int32(batch.count)), .uuids(envelopes.map(\.orderID)),
                    .texts(batch.map(\.topic)), .uuids(envelopes.map(\.id)), .texts(envelopes.map(\.type)),
                    .timestamps(envelopes.map(\.time)), .optionalTexts(envelopes.map(\.traceparent)),
                    .optionalTexts(envelopes.map(\.tracestate)), .optionalTimestamps(envelopes.map(\.deadline)),
                    .bytesArray(envelopes.map(\.payload)),
                ])
        }
    }

    /// The rows of messages that were written, from the answers to ``insert(_:)``.
    package static func rows(_ messages: [OutgoingMessage], answers: some Sequence<Rows>) throws -> [OutboxRow] {
        try zip(batches(messages), answers).flatMap { batch, answer in
            let sequence = try answer[0].int8(0)
            return batch.enumerated().map { place, message in
                OutboxRow(
                    position: .init(orderID: message.envelope.orderID, batch: sequence, place: place),
                    batchSize: batch.count, message: message)
            }
        }
    }

    private static func batches(_ messages: [OutgoingMessage]) -> [ArraySlice<OutgoingMessage>] {
        stride(from: 0, to: messages.count, by: batchLimit).map { messages[$0...].prefix(batchLimit) }
    }

    /// Which of these orders have messages of another process waiting: asked before messages are written, so that all of
    /// them are older, and go first.
    package func foreignOrders(among orders: [UUID]) -> Statement {
        Statement(
            """
            SELECT DISTINCT k.order_id FROM outbox_batches b, unnest(b.order_ids) AS k(order_id)
            WHERE b.owner <> $1::bigint AND b.order_ids && $2::uuid[] AND k.order_id = ANY($2::uuid[])
            """, [.int8(owner), .uuids(orders)])
    }

    /// The oldest batch of another process in front of each of these messages, where there is one: `(order_id, sequence)`.
    ///
    /// Newer ones do not count: theirs wait for ours, and two processes must not wait for each other.
    package func oldestForeign(before messages: [OutboxRow.Position]) -> Statement {
        Statement(
            """
            SELECT k.order_id, min(b.sequence) FROM unnest($2::uuid[], $3::bigint[]) AS k(order_id, batch)
            JOIN outbox_batches b ON b.owner <> $1::bigint AND b.sequence < k.batch AND k.order_id = ANY(b.order_ids)
            GROUP BY k.order_id
            """, [.int8(owner), .uuids(messages.map(\.orderID)), .int8s(messages.map(\.batch))])
    }

    /// Removes batches of which the broker has acknowledged every message.
    package func delete(_ batches: [Int64]) -> Statement {
        Statement("DELETE FROM outbox_batches WHERE sequence = ANY($1::bigint[])", [.int8s(batches)])
    }

    /// The processes other than this one that have messages waiting.
    package func otherOwners() -> Statement {
        Statement("SELECT DISTINCT owner FROM outbox_batches WHERE owner <> $1::bigint", [.int8(owner)])
    }

    /// Whether no other process is there, as far as one can see: `(is_alone)`. Other uses of advisory locks count as one.
    package func isAlone() -> Statement {
        Statement(
            """
            SELECT NOT EXISTS (
                SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) <> $1::bigint
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
            """, [.int8(owner)])
    }

    /// Takes over up to `limit` of the oldest batches of `gone`, if that process no longer holds its lock.
    package func takeOver(from gone: Int64, limit: Int) -> Statement {
        Statement(
            """
            WITH free AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($2::bigint) AS is_free),
            oldest AS (
                SELECT sequence FROM outbox_batches
                WHERE owner = $2::bigint AND (SELECT is_free FROM free)
                ORDER BY sequence LIMIT $3::bigint FOR UPDATE SKIP LOCKED),
            b AS (
                UPDATE outbox_batches o SET owner = $1::bigint FROM oldest WHERE o.sequence = oldest.sequence
                RETURNING o.*)
            SELECT \(OutboxRow.columns) FROM b \(OutboxRow.messagesOfBatches)
            """, [.int8(owner), .int8(gone), .int8(Int64(limit))])
    }

    /// This process's own messages from the oldest on, for when memory does not have them: whole batches, as many as hold
    /// `limit` messages.
    package func ownRows(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(OutboxRow.columns) FROM (
                SELECT *, sum(size) OVER (ORDER BY sequence) - size AS messages_before FROM outbox_batches
                WHERE owner = $1::bigint AND created_at <= now() - make_interval(secs => $2::float8)) AS b
            \(OutboxRow.messagesOfBatches)
            WHERE b.messages_before < $3::bigint ORDER BY b.sequence, m.place
            """, [.int8(owner), .double(age.inSeconds), .int8(Int64(limit))])
    }

    /// This process's own messages of these orders, from the oldest on, and no others: of those, older ones may not have
    /// been read.
    package func ownRows(of orders: [UUID]) -> Statement {
        Statement(
            """
            SELECT \(OutboxRow.columns) FROM outbox_batches b \(OutboxRow.messagesOfBatches)
            WHERE b.owner = $1::bigint AND b.order_ids && $2::uuid[] AND m.order_id = ANY($2::uuid[])
            ORDER BY b.sequence, m.place
            """, [.int8(owner), .uuids(orders)])
    }

    /// Brings over what a version of the suite that wrote a row for each message has left behind; its owner is gone, and so
    /// the sweep takes it over.
    package static let adoptFormer = Statement(
        """
        WITH gone AS MATERIALIZED (
            SELECT owner FROM (SELECT DISTINCT owner FROM outbox) AS o WHERE pg_try_advisory_xact_lock(owner)),
        m AS (DELETE FROM outbox USING gone WHERE outbox.owner = gone.owner RETURNING outbox.*)
        INSERT INTO outbox_batches (owner, size, order_ids, topics, ids, types, times, traceparents, tracestates,
                                    deadlines, payloads, created_at)
        SELECT owner, 1, ARRAY[order_id], ARRAY[topic], ARRAY[id], ARRAY[type], ARRAY[time], ARRAY[traceparent],
               ARRAY[tracestate], ARRAY[deadline], ARRAY[payload], created_at
        FROM m ORDER BY m.sequence
        """, [])

    /// `(messages waiting, when the oldest was written)`.
    package static let census = Statement(
        "SELECT coalesce(sum(size), 0)::bigint, min(created_at) FROM outbox_batches")
}
