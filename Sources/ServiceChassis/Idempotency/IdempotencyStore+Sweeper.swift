import Clocks
import Postgres

extension IdempotencyStore {
    /// The part that removes keys whose time is over; a minute late does no harm.
    package static func sweeper(_ client: PostgresClient, _ chassis: Chassis) -> any Service {
        let time = chassis.time
        let keys = Pruner.Table("idempotency_keys") { limit in
            expire(before: time.wallNow.advanced(by: .zero - lifetime), limit: limit)
        }
        return Pruner([keys], client, chassis).part("idempotency-sweeper")
    }
}
