import ServiceChassis

/// The settings of order-service beyond those of every service.
package struct OrderConfiguration: ServiceConfiguration {
    package var database: DatabaseSettings
    package var kafka: KafkaSettings
    package var inventory: ServiceURL
    package var payment: ServiceURL
    package var shipping: ServiceURL

    package init(reading settings: inout SettingsReader) {
        database = DatabaseSettings(reading: &settings)
        kafka = KafkaSettings(reading: &settings)
        inventory = settings.required("INVENTORY_URL", .serviceURL, "Where inventory-service's API is.")
        payment = settings.required("PAYMENT_URL", .serviceURL, "Where payment-service's API is.")
        shipping = settings.required("SHIPPING_URL", .serviceURL, "Where shipping-service's API is.")
    }
}
