/// Where the brokers are.
package struct KafkaSettings: SettingsGroup {
    package var bootstrap: [Authority]

    package init(reading settings: inout SettingsReader) {
        bootstrap = settings.required(
            "KAFKA_BOOTSTRAP", .authorities, "The brokers that are asked first where all others are.")
    }
}
