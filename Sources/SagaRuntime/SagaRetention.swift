import Messaging
import Postgres

/// The statement that removes the journals of sagas that ended long ago, a portion at a time.
///
/// The sagas' own rows stay, one an order like the order itself: audits count them.
package enum SagaRetention {
    package static func journal(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            DELETE FROM saga_steps WHERE ctid = ANY(ARRAY(
                SELECT s.ctid FROM saga_steps s JOIN sagas g ON g.id = s.saga_id
                WHERE s.saga_id < \(Retention.bound("make_interval(secs => $1::float8)"))
                  AND g.status IN ('completed', 'compensated')
                  AND g.started_at < now() - make_interval(secs => $1::float8)
                ORDER BY s.saga_id, s.entry LIMIT $2::int8 FOR UPDATE OF s SKIP LOCKED))
            """, [.double(age.inSeconds), .int8(Int64(limit))])
    }
}
