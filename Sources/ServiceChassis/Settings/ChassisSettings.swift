import Telemetry

/// The settings every service has.
package struct ChassisSettings: SettingsGroup {
    package enum LogStyle: String, CaseIterable, Sendable {
        /// People's form on a terminal, JSON elsewhere.
        case auto
        case json
        case text
    }

    package var host: String
    package var port: Int
    package var adminPort: Int
    package var authentication: AuthenticationSettings
    package var logLevel: LogLevel
    package var logStyle: LogStyle
    package var drain: Duration
    package var requestDeadline: Duration
    package var connectionLimit: Int
    package var load: LoadSettings
    package var injectsFaults: Bool
    package var tracing: TracingSettings

    package init(reading settings: inout SettingsReader) {
        host = settings.value("HOST", .text(), default: "0.0.0.0", "The address the API and admin ports listen on.")
        port = settings.value("PORT", .port, default: 8080, "The port of the API.")
        adminPort = settings.value("ADMIN_PORT", .port, default: 8081, "The port of health, metrics and admin calls.")
        authentication = AuthenticationSettings(reading: &settings)
        logLevel = settings.value("LOG_LEVEL", .logLevel, default: .info, "The least severe log line that is written.")
        logStyle = settings.value(
            "LOG_FORMAT", .choice(), default: .auto, "How log lines look; `auto` is text on a terminal, JSON elsewhere."
        )
        drain = settings.value(
            "DRAIN_SECONDS", .seconds(.zero ... .seconds(600)), default: .seconds(20),
            "How long running work may take to end after SIGTERM before it is cancelled.")
        requestDeadline = settings.value(
            "REQUEST_DEADLINE_SECONDS", .seconds(.milliseconds(100) ... .seconds(300)), default: .seconds(10),
            "How long a request may take unless its Request-Timeout header says less; a Prefer: wait comes on top.")
        connectionLimit = settings.value(
            "CONNECTION_LIMIT", .integer(1...100_000), default: 4096,
            "How many API connections are open at once; more wait to be accepted.")
        load = LoadSettings(reading: &settings)
        injectsFaults = settings.value(
            "FAULT_INJECTION", .flag, default: false,
            "Lets operators and drills make calls and requests slow or fail on purpose (`/admin/faults`); not for production."
        )
        tracing = TracingSettings(reading: &settings)
    }
}

extension SettingKind where Value == LogLevel {
    /// The name of a level.
    package static var logLevel: SettingKind {
        let names = LogLevel.allCases.map { "`\($0.name)`" }.joined(separator: ", ")
        return SettingKind(
            name: "one of \(names)", placeholder: .info, render: { $0.name }, parse: { LogLevel($0) })
    }
}
