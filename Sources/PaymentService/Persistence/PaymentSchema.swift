import Messaging
import Postgres

/// The schema of payment-service's database.
enum PaymentSchema {
    static let migrations =
        MessagingSchema.migrations + [
            Migration(
                version: 10, name: "create_payments",
                sql: String(decoding: PackageResources.V0010_create_payments_sql, as: UTF8.self)),
            Migration(
                version: 11, name: "ask_provider",
                sql: String(decoding: PackageResources.V0011_ask_provider_sql, as: UTF8.self)),
        ]
}
