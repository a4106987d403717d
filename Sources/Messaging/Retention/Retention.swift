import Postgres

/// The statements that remove what has been kept long enough, a portion at a time; the affected rows say how many. Safe on
/// any number of replicas: rows that another one is removing are passed over. Ages are by the database's clock.
package enum Retention {
    /// The smallest identifier of version 7 made after a moment, as SQL: what is older by its id lies together at the left
    /// end of a primary key, and no further index is needed to find it.
    ///
    /// - Parameter age: SQL of type `interval`; without functions that change within a statement, or the index is not used.
    package static func bound(_ age: String) -> String {
        "(lpad(to_hex((extract(epoch FROM now() - \(age)) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
    }

    /// Handled messages, but for those of which a dead letter or a parked message could still be handled.
    ///
    /// Found by the age of their ids, which our senders draw when an order is placed or a message is made.
    package static func inbox(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            DELETE FROM inbox WHERE ctid = ANY(ARRAY(
                SELECT i.ctid FROM inbox i
                WHERE i.id < \(bound("make_interval(secs => $1::float8)"))
                  AND i.handled_at < now() - make_interval(secs => $1::float8)
                  AND NOT EXISTS (SELECT 1 FROM dead_letters d
                                  WHERE d.message_id = i.id AND d.status IN ('open', 'redriving'))
                  AND NOT EXISTS (SELECT 1 FROM parked_messages p WHERE p.message_id = i.id)
                ORDER BY i.id LIMIT $2::int8 FOR UPDATE OF i SKIP LOCKED))
            """, [.double(age.inSeconds), .int8(Int64(limit))])
    }

    /// The marks of orders whose compensation came before its action, but for orders of which a dead letter or a parked
    /// message, which may be that action, could still be handled.
    ///
    /// To be kept as long as the inbox: a participant needs the mark only for an action that it has not handled yet.
    package static func voidedOrders(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            DELETE FROM voided_orders WHERE ctid = ANY(ARRAY(
                SELECT v.ctid FROM voided_orders v
                WHERE v.order_id < \(bound("make_interval(secs => $1::float8)"))
                  AND v.voided_at < now() - make_interval(secs => $1::float8)
                  AND NOT EXISTS (SELECT 1 FROM dead_letters d
                                  WHERE d.order_id = v.order_id AND d.status IN ('open', 'redriving'))
                  AND NOT EXISTS (SELECT 1 FROM parked_messages p WHERE p.order_id = v.order_id)
                ORDER BY v.order_id LIMIT $2::int8 FOR UPDATE OF v SKIP LOCKED))
            """, [.double(age.inSeconds), .int8(Int64(limit))])
    }

    /// Dead letters that were decided about; one that waits for an operator stays for as long as it takes.
    package static func deadLetters(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            DELETE FROM dead_letters WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM dead_letters
                WHERE status IN ('redriven', 'discarded') AND resolved_at < now() - make_interval(secs => $1::float8)
                ORDER BY resolved_at LIMIT $2::int8 FOR UPDATE SKIP LOCKED))
            """, [.double(age.inSeconds), .int8(Int64(limit))])
    }
}
