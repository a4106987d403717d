import ServiceChassis
import Telemetry

/// The settings of provider-simulator beyond those of every service.
package struct ProviderSimulatorConfiguration: SettingsGroup {
    package var dataFolder: String?
    package var paymentWebhook: ServiceURL?
    package var carrierWebhook: ServiceURL?
    package var webhookSecret: Secret<String>?
    package var webhookTimeout: Duration
    var rules = LedgerRules()

    package init(reading settings: inout SettingsReader) {
        dataFolder = settings.optional(
            "DATA_DIR", .text(upTo: 4000),
            "The folder of the ledger's journal; without one the ledger is in memory only."
        )
        paymentWebhook = settings.optional(
            "PAYMENT_WEBHOOK_URL", .serviceURL, "Where changes of charges are told; without one they are not.")
        carrierWebhook = settings.optional(
            "CARRIER_WEBHOOK_URL", .serviceURL, "Where changes of bookings are told; without one they are not.")
        webhookSecret = settings.secret("WEBHOOK_SECRET", "The secret webhooks are signed with.")
        webhookTimeout = settings.value(
            "WEBHOOK_TIMEOUT_SECONDS", .seconds(.milliseconds(100) ... .seconds(60)), default: .seconds(5),
            "How long the other side may take to say that it has a webhook.")
        rules.webhookAttempts = settings.value(
            "WEBHOOK_ATTEMPTS", .integer(1...1000), default: rules.webhookAttempts,
            "After how many failed attempts a webhook is given up.")
        let delay = SettingKind<Duration>.seconds(.zero ... .seconds(3600))
        rules.slowness = settings.value(
            "SLOW_SECONDS", .seconds(.zero ... .seconds(60)), default: rules.slowness, "How long `tok_slow` takes.")
        rules.pendingDelay = settings.value(
            "PENDING_SECONDS", delay, default: rules.pendingDelay, "When `tok_pending` is captured by itself.")
        rules.dispatchDelay = settings.value(
            "DISPATCH_SECONDS", delay, default: rules.dispatchDelay,
            "When a booking is dispatched, from its confirmation on.")
        rules.deliverDelay = settings.value(
            "DELIVER_SECONDS", delay, default: rules.deliverDelay,
            "When a booking is delivered, from its confirmation on.")
        rules.entryLimit = settings.value(
            "LEDGER_LIMIT", .integer(1...10_000_000), default: rules.entryLimit,
            "How many charges, refunds and bookings are kept at most; each takes about 1 KiB of memory.")
        check(&settings)
    }

    private mutating func check(_ settings: inout SettingsReader) {
        if paymentWebhook != nil { rules.webhookTargets.insert(.payment) }
        if carrierWebhook != nil { rules.webhookTargets.insert(.carrier) }
        if !rules.webhookTargets.isEmpty, webhookSecret == nil {
            settings.reject(
                "WEBHOOK_SECRET", reason: "is not set although webhooks are to be sent",
                remedy: "Give the secret that the receivers know.")
        }
        if rules.deliverDelay < rules.dispatchDelay {
            settings.reject(
                "DELIVER_SECONDS", reason: "is shorter than DISPATCH_SECONDS",
                remedy: "What is delivered has been dispatched before.")
        }
    }
}
