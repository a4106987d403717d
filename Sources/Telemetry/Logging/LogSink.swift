/// Where log records go.
package protocol LogSink: Sendable {
    /// Takes the record; returns at once, whatever the state of the output.
    func log(_ record: LogRecord)
}

/// A sink for a logger that is to say nothing.
package struct SilentLogSink: LogSink {
    package init() {}
    package func log(_: LogRecord) {}
}
