import Messaging
import Postgres
import ServiceChassis

/// The schema of inventory-service's database.
enum InventorySchema {
    static let migrations =
        MessagingSchema.migrations + [
            IdempotencyStore.migration,
            Migration(
                version: 10, name: "create_inventory",
                sql: String(decoding: PackageResources.V0010_create_inventory_sql, as: UTF8.self)),
        ]
}
