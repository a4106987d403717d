import Clocks

/// Writes log lines of one service: a literal message and typed metadata, never data inside the text.
///
/// A value type; ``with(_:)`` gives a logger whose lines all carry further metadata. Lines logged inside a span carry
/// its trace by themselves.
package struct Logger: Sendable {
    package let service: String
    package let level: LogLevel
    private let sink: any LogSink
    private let time: any TimeSource
    private let metadata: LogMetadata

    package init(
        service: String, level: LogLevel = .info, sink: any LogSink, time: any TimeSource, metadata: LogMetadata = [:]
    ) {
        self.service = service
        self.level = level
        self.sink = sink
        self.time = time
        self.metadata = metadata
    }

    /// A logger that says nothing.
    package static let silent = Logger(service: "", level: .error, sink: SilentLogSink(), time: SystemTime())

    /// A logger whose lines carry `metadata` too.
    package func with(_ metadata: LogMetadata) -> Logger {
        Logger(
            service: service, level: level, sink: sink, time: time, metadata: self.metadata.merging(metadata))
    }

    package func isEnabled(_ level: LogLevel) -> Bool { level >= self.level }

    /// Logs the line; below the logger's level neither the metadata nor the time is computed.
    package func log(
        _ level: LogLevel, _ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]
    ) {
        guard level >= self.level else { return }
        sink.log(
            LogRecord(
                timestamp: time.wallNow, level: level, service: service, message: message,
                trace: TraceContext.current, metadata: self.metadata.merging(metadata())))
    }

    package func trace(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.trace, message, metadata())
    }

    package func debug(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.debug, message, metadata())
    }

    package func info(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.info, message, metadata())
    }

    package func warning(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.warning, message, metadata())
    }

    package func error(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.error, message, metadata())
    }
}
