import Messaging
import Postgres
import SagaRuntime
import ServiceChassis

/// The schema of order-service's database.
enum OrderSchema {
    static let migrations =
        MessagingSchema.migrations + SagaSchema.migrations + [
            IdempotencyStore.migration,
            Migration(
                version: 10, name: "create_orders",
                sql: String(decoding: PackageResources.V0010_create_orders_sql, as: UTF8.self)),
        ]
}
