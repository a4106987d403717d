import Clocks
import Synchronization
import Telemetry

/// A clock that stands still until a test moves it.
final class StillTime: TimeSource {
    private let state: Mutex<(now: MonotonicInstant, wallNow: Timestamp)>

    init(wallNow: Timestamp = Timestamp(milliseconds: 1_800_000_000_123)) {
        state = Mutex((MonotonicInstant(nanoseconds: 0), wallNow))
    }

    var now: MonotonicInstant { state.withLock { $0.now } }
    var wallNow: Timestamp { state.withLock { $0.wallNow } }

    func advance(by duration: Duration) {
        state.withLock { state in
            state.now = state.now.advanced(by: duration)
            state.wallNow = state.wallNow.advanced(by: duration)
        }
    }

    func stepWallClock(by duration: Duration) {
        state.withLock { $0.wallNow = $0.wallNow.advanced(by: duration) }
    }

    /// Nobody's deadline comes by itself: a sleep ends with its cancellation.
    func sleep(until deadline: MonotonicInstant) async throws {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
        throw CancellationError()
    }
}

/// Keeps what was put in, for a test to look at.
final class Collected<Element: Sendable>: Sendable {
    private let state = Mutex<[Element]>([])

    func add(_ element: Element) { state.withLock { $0.append(element) } }
    var all: [Element] { state.withLock { $0 } }
}

final class CollectingSink: LogSink {
    let records = Collected<LogRecord>()
    func log(_ record: LogRecord) { records.add(record) }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}
