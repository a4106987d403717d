import ServiceChassis
import Telemetry

/// The settings of shipping-service beyond those of every service.
package struct ShippingConfiguration: ServiceConfiguration {
    /// Who moves the goods.
    package enum CarrierChoice: String, CaseIterable, Sendable {
        case builtin, http
    }

    package var database: DatabaseSettings
    package var kafka: KafkaSettings
    package var carrier: CarrierChoice
    /// Nil only with the builtin carrier.
    package var carrierURL: ServiceURL?
    /// What webhooks are signed with; nil when none are taken.
    package var webhookSecret: Secret<String>?
    /// Nil when the carrier tells by itself.
    package var builtinDispatch: Duration?
    /// Nil when the carrier tells by itself.
    package var builtinDelivery: Duration?

    package init(reading settings: inout SettingsReader) {
        database = DatabaseSettings(reading: &settings)
        kafka = KafkaSettings(reading: &settings)
        carrier = settings.value(
            "CARRIER", .choice(), default: .builtin,
            "Who moves the goods: rules in the process, for local use, or a carrier over HTTP.")
        carrierURL = settings.optional("CARRIER_URL", .serviceURL, "Where the carrier is; needed with `CARRIER=http`.")
        webhookSecret = settings.secret(
            "WEBHOOK_SECRET", "What webhooks are signed with; needed with a provider or carrier over HTTP.")
        builtinDispatch = settings.value(
            "BUILTIN_DISPATCH_SECONDS", .secondsOrOff(.zero ... .seconds(86_400)), default: .seconds(5),
            "How long after booking the builtin carrier takes the goods of a confirmed order; `off` for never.")
        builtinDelivery = settings.value(
            "BUILTIN_DELIVER_SECONDS", .secondsOrOff(.zero ... .seconds(86_400)), default: .seconds(10),
            "How long after booking the builtin carrier hands them over; `off` for never.")
        guard carrier == .http else { return }
        settings.require("CARRIER_URL", carrierURL, because: "CARRIER is http")
        settings.require("WEBHOOK_SECRET", webhookSecret, because: "CARRIER is http")
    }
}
