import Synchronization
import Telemetry

/// Keeps log lines as text, for a test to look at.
final class LineSink: LogSink {
    private let state = Mutex<[String]>([])

    var lines: [String] { state.withLock { $0 } }

    func log(_ record: LogRecord) {
        state.withLock { $0.append("\(record)") }
    }
}
