import Clocks

/// For how long a service keeps what it has only to recognise or to explain something.
package struct RetentionSettings: SettingsGroup {
    package var inboxDays: Int
    package var deadLetterDays: Int

    package init(reading settings: inout SettingsReader) {
        inboxDays = settings.value(
            "INBOX_RETENTION_DAYS", .integer(1...3650), default: 14,
            "How long repeats, and commands behind their compensation, are recognised; longer than the broker's log.")
        deadLetterDays = settings.value(
            "DEAD_LETTER_RETENTION_DAYS", .integer(1...3650), default: 90,
            "How long dead letters stay after they were redriven or discarded; one that is open stays.")
    }
}

extension Duration {
    /// Whole days of 24 hours.
    package static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}
