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
            Migration(
                version: 11, name: "create_order_view",
                sql: String(decoding: PackageResources.V0011_create_order_view_sql, as: UTF8.self)),
            Migration(
                version: 12, name: "follow_confirmed_orders",
                sql: String(decoding: PackageResources.V0012_follow_confirmed_orders_sql, as: UTF8.self)),
        ]
}
