import Postgres

/// The settings of one service: its own, and where its database is.
package protocol ServiceConfiguration: SettingsGroup {
    var database: DatabaseSettings { get }
}

/// Everything the chassis has to know of a service to run it.
///
/// ```swift
/// package let shippingService = ServiceDefinition(
///     name: "shipping-service", migrations: ShippingMigrations.all
/// ) { (configuration: ShippingConfiguration, chassis) in
///     let database = chassis.database(configuration.database, migrations: ShippingMigrations.all)
///     var router = Router()
///     ShipmentRoutes(database.client).add(to: &router)
///     return [database.pool, database.schema, try chassis.api(router)]
/// }
/// ```
///
/// The executable's `main` is one call: ``main()``.
package struct ServiceDefinition<Configuration: ServiceConfiguration>: Sendable {
    /// Turns configuration into services; the list is the start order, its reverse the stop order.
    package typealias Build = @Sendable (Configuration, Chassis) throws -> [any Service]

    package let name: String
    package let migrations: [Migration]
    package let build: Build

    package init(name: String, migrations: [Migration], build: @escaping Build) {
        self.name = name
        self.migrations = migrations
        self.build = build
    }

    /// All settings of the service, the chassis's first, for documentation.
    package var settingDescriptions: [SettingDescription] {
        AllSettings<Configuration>.descriptions
    }
}

/// The chassis's settings and the service's own, read as one.
struct AllSettings<Configuration: ServiceConfiguration>: SettingsGroup {
    var chassis: ChassisSettings
    var service: Configuration

    init(reading settings: inout SettingsReader) {
        chassis = ChassisSettings(reading: &settings)
        service = Configuration(reading: &settings)
    }
}
