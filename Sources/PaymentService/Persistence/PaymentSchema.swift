import Messaging
import Postgres

/// The schema of payment-service's database.
enum PaymentSchema {
    static let migrations =
        MessagingSchema.migrations + [
            Migration(
                version: 10, name: "create_payments",
                sql: String(decoding: PackageResources.V0010_create_payments_sql, as: UTF8.self))
        ]
}
