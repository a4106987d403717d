import Clocks
import Postgres

extension IdempotencyStore {
    private static let portion = 1000

    /// The part that removes keys whose time is over, a portion at a time; a few minutes late does no harm.
    package static func sweeper(_ client: PostgresClient, _ chassis: Chassis) -> any Service {
        let time = chassis.time
        return ClosureService.periodic(
            "idempotency-sweeper", every: .seconds(300), time: time, logger: chassis.logger
        ) {
            let limit = time.wallNow.advanced(by: .zero - lifetime)
            var removed = portion
            while removed == portion {
                let deadline = time.now.advanced(by: .seconds(10))
                removed = try await client.query(expire(before: limit, limit: portion), deadline: deadline).affected
            }
        }
    }
}
