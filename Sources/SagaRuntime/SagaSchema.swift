import Postgres

/// The tables of the saga engine.
package enum SagaSchema {
    package static let migrations = [
        Migration(
            version: 3, name: "create_sagas",
            sql: String(decoding: PackageResources.V0003_create_sagas_sql, as: UTF8.self))
    ]
}
