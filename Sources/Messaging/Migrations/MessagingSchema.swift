import Postgres

/// The tables every service that sends or receives messages has in its database.
package enum MessagingSchema {
    package static let migrations = [
        Migration(
            version: 1, name: "create_messaging",
            sql: String(decoding: PackageResources.V0001_create_messaging_sql, as: UTF8.self)),
        Migration(
            version: 2, name: "park_messages",
            sql: String(decoding: PackageResources.V0002_park_messages_sql, as: UTF8.self)),
        Migration(
            version: 4, name: "batch_outbox",
            sql: String(decoding: PackageResources.V0004_batch_outbox_sql, as: UTF8.self)),
    ]
}
