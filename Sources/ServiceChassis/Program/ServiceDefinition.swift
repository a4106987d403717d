import Postgres

/// The settings of a service with a database: its own, and where that is.
package protocol ServiceConfiguration: SettingsGroup {
    var database: DatabaseSettings { get }

    /// Whether the service calls others of the suite, and so has to show who it is.
    static var callsPeers: Bool { get }
}

extension ServiceConfiguration {
    package static var callsPeers: Bool { false }
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
package struct ServiceDefinition<Configuration: SettingsGroup>: Sendable {
    /// Turns configuration into services; the list is the start order, its reverse the stop order.
    package typealias Build = @Sendable (Configuration, Chassis) throws -> [any Service]

    /// A database and what it takes to bring it up to date.
    struct Schema: Sendable {
        var database: @Sendable (Configuration) -> DatabaseSettings
        var migrations: [Migration]
    }

    package let name: String
    package let build: Build
    /// Nil for a service without a database.
    let schema: Schema?
    /// The service's own defaults for settings that every service has.
    let defaults: [String: String]

    /// A service with a database.
    package init(name: String, migrations: [Migration], build: @escaping Build)
    where Configuration: ServiceConfiguration {
        self.name = name
        self.build = build
        schema = Schema(database: \.database, migrations: migrations)
        defaults = [:]
    }

    /// A service that keeps its state elsewhere, or none.
    ///
    /// `defaults` replaces the defaults of settings by key; a text that the setting does not take is passed over.
    package init(name: String, defaults: [String: String] = [:], build: @escaping Build) {
        self.name = name
        self.build = build
        self.defaults = defaults
        schema = nil
    }

    /// All settings of the service, the chassis's first, for documentation.
    package var settingDescriptions: [SettingDescription] {
        AllSettings<Configuration>.descriptions(defaults: defaults)
    }
}

/// The chassis's settings and the service's own, read as one.
struct AllSettings<Configuration: SettingsGroup>: SettingsGroup {
    var chassis: ChassisSettings
    var service: Configuration

    init(reading settings: inout SettingsReader) {
        chassis = ChassisSettings(reading: &settings)
        service = Configuration(reading: &settings)
        if let service = Configuration.self as? any ServiceConfiguration.Type, service.callsPeers {
            chassis.authentication.checkIdentity(&settings)
        }
    }
}
