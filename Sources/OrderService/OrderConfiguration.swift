import Resilience
import ServiceChassis

/// The settings of order-service beyond those of every service.
package struct OrderConfiguration: ServiceConfiguration {
    package static let callsPeers = true

    package var database: DatabaseSettings
    package var kafka: KafkaSettings
    package var inventory: [ServiceURL]
    package var payment: [ServiceURL]
    package var shipping: [ServiceURL]
    var commandChannel: CommandChannel
    /// Nil for no limit.
    package var orderRate: RateLimit?
    /// Nil for no limit.
    package var admissionWait: Duration?
    package var journalDays: Int
    package var eventDays: Int
    package var followUp: Duration

    package init(reading settings: inout SettingsReader) {
        database = DatabaseSettings(reading: &settings)
        kafka = KafkaSettings(reading: &settings)
        inventory = settings.required("INVENTORY_URL", .serviceURLs, "Where inventory-service's API is.")
        payment = settings.required("PAYMENT_URL", .serviceURLs, "Where payment-service's API is.")
        shipping = settings.required("SHIPPING_URL", .serviceURLs, "Where shipping-service's API is.")
        commandChannel = settings.value(
            "COMMAND_CHANNEL", .choice(), default: .auto,
            "How commands reach the other services: `auto` is Kafka, and HTTP while Kafka is out.")
        orderRate = settings.value(
            "RATE_LIMIT_ORDERS", .rateOrOff, default: nil,
            "How often each client may place an order; ignored with AUTH=off, where everybody is one client.")
        admissionWait = settings.value(
            "ADMISSION_WAIT_SECONDS", .secondsOrOff(.milliseconds(10) ... .seconds(300)), default: .milliseconds(250),
            "How long the stock of orders may wait to be reserved before no more orders are taken than can be worked on; `off` for no limit."
        )
        journalDays = settings.value(
            "SAGA_JOURNAL_RETENTION_DAYS", .integer(1...3650), default: 90,
            "How long an order's timeline stays after it was placed, once its saga has ended.")
        eventDays = settings.value(
            "EVENT_RETENTION_DAYS", .integer(1...365), default: 2,
            "How far back an event stream can be resumed.")
        followUp = settings.value(
            "FOLLOW_UP_SECONDS", .seconds(.seconds(1) ... .seconds(86_400)), default: .seconds(30),
            "How long goods may take before an order's confirmation is said again; then four times as long each time.")
    }
}
