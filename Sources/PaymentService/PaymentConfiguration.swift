import ServiceChassis
import Telemetry

/// The settings of payment-service beyond those of every service.
package struct PaymentConfiguration: ServiceConfiguration {
    /// Who moves the money.
    package enum ProviderChoice: String, CaseIterable, Sendable {
        case builtin, http
    }

    package var database: DatabaseSettings
    package var kafka: KafkaSettings
    package var provider: ProviderChoice
    /// Nil only with the builtin provider.
    package var providerURL: ServiceURL?
    /// What webhooks are signed with; nil when none are taken.
    package var webhookSecret: Secret<String>?
    package var builtinSlowness: Duration

    package init(reading settings: inout SettingsReader) {
        database = DatabaseSettings(reading: &settings)
        kafka = KafkaSettings(reading: &settings)
        provider = settings.value(
            "PAYMENT_PROVIDER", .choice(), default: .builtin,
            "Who moves the money: rules in the process, for local use, or a provider over HTTP.")
        providerURL = settings.optional(
            "PROVIDER_URL", .serviceURL, "Where the payment provider is; needed with `PAYMENT_PROVIDER=http`.")
        webhookSecret = settings.secret(
            "WEBHOOK_SECRET", "What webhooks are signed with; needed with a provider or carrier over HTTP.")
        builtinSlowness = settings.value(
            "BUILTIN_SLOW_SECONDS", .seconds(.zero ... .seconds(60)), default: .seconds(2),
            "How long the builtin provider takes for `tok_slow`.")
        guard provider == .http else { return }
        settings.require("PROVIDER_URL", providerURL, because: "PAYMENT_PROVIDER is http")
        settings.require("WEBHOOK_SECRET", webhookSecret, because: "PAYMENT_PROVIDER is http")
    }
}
