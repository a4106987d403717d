import Clocks
import Resilience

/// How many requests the API works on at a time.
package struct LoadSettings: SettingsGroup {
    package var minimum: Int
    /// Nil when there is no limit.
    package var maximum: Int?
    package var latency: Duration

    package init(reading settings: inout SettingsReader) {
        maximum = settings.value(
            "CONCURRENCY_LIMIT_MAX", .integerOrOff(1...100_000), default: 1000,
            "How many API requests are worked on at a time at most; beyond the limit found, requests get 503. `off` for no limit."
        )
        minimum = settings.value(
            "CONCURRENCY_LIMIT_MIN", .integer(1...100_000), default: 20,
            "How many API requests are worked on at a time at least, however slow they are.")
        latency = settings.value(
            "CONCURRENCY_LIMIT_SECONDS", .seconds(.milliseconds(1) ... .seconds(300)), default: .seconds(1),
            "The limit shrinks while requests take this long on average, time spent waiting by wish not counted.")
        if let maximum, minimum > maximum {
            settings.reject(
                "CONCURRENCY_LIMIT_MIN", value: String(minimum), reason: "is above CONCURRENCY_LIMIT_MAX (\(maximum))",
                remedy: "Lower it, or raise the maximum.")
        }
    }

    /// Grows by steps while it is used up and answers are quick, and is cut by a tenth while they are not.
    ///
    /// By latency as it is, not as it compares with the best seen: one port has routes of very different cost, and a
    /// change of their mix must not look like load.
    func configuration(maximum: Int) -> ConcurrencyLimitConfiguration {
        var configuration = ConcurrencyLimitConfiguration()
        configuration.algorithm = .additiveIncrease(.init(latencyLimit: latency))
        configuration.minimumLimit = min(minimum, maximum)
        configuration.maximumLimit = maximum
        configuration.initialLimit = min(maximum, max(configuration.minimumLimit, 200))
        return configuration
    }
}
