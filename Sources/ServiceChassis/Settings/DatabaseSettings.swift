/// Where a service's own database is and how patient the service is with it.
package struct DatabaseSettings: SettingsGroup {
    /// With the password in it, wherever that came from.
    package var url: DatabaseURL
    package var poolSize: Int
    package var connectTimeout: Duration
    package var statementTimeout: Duration
    package var acquireTimeout: Duration
    package var retention: RetentionSettings

    package init(reading settings: inout SettingsReader) {
        url = settings.required("DATABASE_URL", .databaseURL, "The service's own Postgres database.")
        let password = settings.secret("DATABASE_PASSWORD", "The password of the database's user.")
        poolSize = settings.value(
            "DATABASE_POOL_SIZE", .integer(1...200), default: 8, "How many database connections are open at most.")
        connectTimeout = settings.value(
            "DATABASE_CONNECT_SECONDS", .seconds(.milliseconds(100) ... .seconds(60)), default: .seconds(3),
            "How long connecting to the database may take.")
        statementTimeout = settings.value(
            "DATABASE_STATEMENT_SECONDS", .seconds(.milliseconds(100) ... .seconds(600)), default: .seconds(10),
            "How long one statement may run.")
        acquireTimeout = settings.value(
            "DATABASE_ACQUIRE_SECONDS", .seconds(.milliseconds(10) ... .seconds(60)), default: .seconds(3),
            "How long to wait for a free database connection.")
        retention = RetentionSettings(reading: &settings)
        guard let password else { return }
        if url.password != nil {
            settings.reject(
                "DATABASE_PASSWORD", value: SettingsReader.hidden,
                reason: "is given although DATABASE_URL has a password",
                remedy: "Take the password out of the URL.")
        }
        url.password = password
    }
}
