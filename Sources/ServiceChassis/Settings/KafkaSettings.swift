/// Where the brokers are, and what becomes of messages that cannot be handled.
package struct KafkaSettings: SettingsGroup {
    package var bootstrap: [Authority]
    /// How often a message that cannot be handled is tried before it is a dead letter.
    package var parkingAttempts: Int
    /// The longest wait between two tries.
    package var parkingWait: Duration

    package init(reading settings: inout SettingsReader) {
        bootstrap = settings.required(
            "KAFKA_BOOTSTRAP", .authorities, "The brokers that are asked first where all others are.")
        parkingAttempts = settings.value(
            "PARKING_ATTEMPTS", .integer(1...1000), default: 8,
            "How often a message that cannot be handled is tried before it is a dead letter.")
        parkingWait = settings.value(
            "PARKING_MAX_SECONDS", .seconds(.seconds(1) ... .seconds(3600)), default: .seconds(20),
            "The longest wait between two tries; the first is 0.25 s, and each is four times the one before.")
    }
}
