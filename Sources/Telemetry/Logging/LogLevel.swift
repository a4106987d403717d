/// How much a log line matters; a logger drops what lies below its own level before any work is done.
package enum LogLevel: UInt8, Comparable, CaseIterable, Sendable {
    /// Every step, for one hunt on one machine.
    case trace
    /// What a developer of the part wants to see.
    case debug
    /// What an operator wants to read afterwards: starts, stops, decisions.
    case info
    /// Something is degraded and handled; it needs a look when it repeats.
    case warning
    /// Something failed that somebody must look at.
    case error

    /// The name as it stands in a log line and in settings.
    package var name: String {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// Reads the name of a level in lower case; nil for anything else.
    package init?(_ name: String) {
        guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}
