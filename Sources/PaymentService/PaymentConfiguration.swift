import ServiceChassis

/// The settings of payment-service beyond those of every service.
package struct PaymentConfiguration: ServiceConfiguration {
    package var database: DatabaseSettings
    package var kafka: KafkaSettings
    package var builtinSlowness: Duration

    package init(reading settings: inout SettingsReader) {
        database = DatabaseSettings(reading: &settings)
        kafka = KafkaSettings(reading: &settings)
        builtinSlowness = settings.value(
            "BUILTIN_SLOW_SECONDS", .seconds(.zero ... .seconds(60)), default: .seconds(2),
            "How long the builtin provider takes for `tok_slow`.")
    }
}
