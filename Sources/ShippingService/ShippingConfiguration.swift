import ServiceChassis

/// The settings of shipping-service beyond those of every service.
package struct ShippingConfiguration: ServiceConfiguration {
    package var database: DatabaseSettings
    package var kafka: KafkaSettings
    /// Nil when the carrier tells by itself.
    package var builtinDispatch: Duration?
    /// Nil when the carrier tells by itself.
    package var builtinDelivery: Duration?

    package init(reading settings: inout SettingsReader) {
        database = DatabaseSettings(reading: &settings)
        kafka = KafkaSettings(reading: &settings)
        builtinDispatch = settings.value(
            "BUILTIN_DISPATCH_SECONDS", .secondsOrOff(.zero ... .seconds(86_400)), default: .seconds(5),
            "How long after booking the builtin carrier takes the goods of a confirmed order; `off` for never.")
        builtinDelivery = settings.value(
            "BUILTIN_DELIVER_SECONDS", .secondsOrOff(.zero ... .seconds(86_400)), default: .seconds(10),
            "How long after booking the builtin carrier hands them over; `off` for never.")
    }
}
