import Clocks

/// One log line before it is written.
package struct LogRecord: Sendable {
    package var timestamp: Timestamp
    package var level: LogLevel
    package var service: String
    package var message: StaticString
    /// Where in a trace the line was logged; nil outside of any.
    package var trace: TraceContext?
    package var metadata: LogMetadata

    package init(
        timestamp: Timestamp, level: LogLevel, service: String, message: StaticString, trace: TraceContext? = nil,
        metadata: LogMetadata = [:]
    ) {
        self.timestamp = timestamp
        self.level = level
        self.service = service
        self.message = message
        self.trace = trace
        self.metadata = metadata
    }

    /// A text of a line is cut here, so that one value cannot fill the log.
    static let longestText = 8192
}
