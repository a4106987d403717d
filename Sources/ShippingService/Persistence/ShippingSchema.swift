import Messaging
import Postgres

/// The schema of shipping-service's database.
enum ShippingSchema {
    static let migrations =
        MessagingSchema.migrations + [
            Migration(
                version: 10, name: "create_shipments",
                sql: String(decoding: PackageResources.V0010_create_shipments_sql, as: UTF8.self)),
            Migration(
                version: 11, name: "ask_carrier",
                sql: String(decoding: PackageResources.V0011_ask_carrier_sql, as: UTF8.self)),
        ]
}
