import ServiceChassis

/// The settings of inventory-service beyond those of every service.
package struct InventoryConfiguration: ServiceConfiguration {
    package var database: DatabaseSettings
    package var kafka: KafkaSettings

    package init(reading settings: inout SettingsReader) {
        database = DatabaseSettings(reading: &settings)
        kafka = KafkaSettings(reading: &settings)
    }
}
