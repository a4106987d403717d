import Clocks
import Contracts
import Postgres

/// The statements about confirmed orders whose goods do not arrive.
///
/// Nothing is written for an order whose goods arrive in time: the feed says which orders were confirmed, in the order in
/// which that became visible, and each entry is looked at once. All times are the database's.
enum FollowUpStatements {
    /// Looks at the next entries of the feed that are old enough, and puts down the confirmed orders among them whose
    /// goods have not arrived: `(seen)`, how many were looked at. Nothing while another replica is looking.
    static func notice(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            WITH mark AS MATERIALIZED (SELECT number FROM order_follow_up_mark FOR UPDATE SKIP LOCKED),
            next AS MATERIALIZED (
                SELECT f.number, f.order_id, f.status, f.at,
                    bool_and(f.recorded_at <= now() - make_interval(secs => $1::float8)) OVER (ORDER BY f.number) AS is_old
                FROM (SELECT number, order_id, status, at, recorded_at FROM order_feed
                      WHERE number > (SELECT number FROM mark) ORDER BY number LIMIT $2::int8) f),
            put AS (
                INSERT INTO order_follow_ups (order_id, confirmed_at)
                SELECT n.order_id, n.at FROM next n JOIN orders o ON o.id = n.order_id
                WHERE n.is_old AND n.status = 'confirmed' AND o.status IN ('confirmed', 'shipped')
                ON CONFLICT (order_id) DO NOTHING),
            moved AS (
                UPDATE order_follow_up_mark SET number = (SELECT max(number) FROM next WHERE is_old)
                WHERE EXISTS (SELECT FROM next WHERE is_old))
            SELECT count(*) FROM next WHERE is_old
            """, [.double(age.inSeconds), .int8(Int64(limit))])
    }

    /// Locks the orders that are to be spoken of now, the longest overdue first: `(id, status, confirmed_at, repeats)`.
    static func lockDue(limit: Int) -> Statement {
        Statement(
            """
            SELECT f.order_id, o.status, f.confirmed_at, f.repeats
            FROM order_follow_ups f JOIN orders o ON o.id = f.order_id
            WHERE f.due_at <= now() ORDER BY f.due_at LIMIT $1::int8 FOR UPDATE OF f SKIP LOCKED
            """, [.int8(Int64(limit))])
    }

    /// Seconds until the nearest due time; no row when no order is followed.
    static let nextDue = Statement(
        """
        SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM order_follow_ups ORDER BY due_at LIMIT 1
        """)

    /// These were spoken of, and will be again.
    static func putOff(_ orders: [(id: UUID, wait: Duration)]) -> Statement {
        Statement(
            """
            UPDATE order_follow_ups f
            SET repeats = f.repeats + 1, due_at = clock_timestamp() + make_interval(secs => n.wait)
            FROM unnest($1::uuid[], $2::float8[]) AS n(order_id, wait) WHERE f.order_id = n.order_id
            """, [.uuids(orders.map(\.id)), .doubles(orders.map(\.wait.inSeconds))])
    }

    /// Their goods have arrived.
    static func forget(_ orders: [UUID]) -> Statement {
        Statement("DELETE FROM order_follow_ups WHERE order_id = ANY($1::uuid[])", [.uuids(orders)])
    }
}
