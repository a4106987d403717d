import Clocks
import JSON

/// What happened in a run, in order.
package final class DrillJournal: Sendable {
    package struct Entry: Sendable {
        /// Nanoseconds since the drill began.
        package var at: Int64
        package var wall: Timestamp
        package var text: String
    }

    private let time: any TimeSource
    private let start: MonotonicInstant
    private let terminal: Terminal
    private let state = Lock<[Entry]>([])

    init(start: MonotonicInstant, terminal: Terminal, time: any TimeSource) {
        self.start = start
        self.terminal = terminal
        self.time = time
    }

    package var entries: [Entry] { state.withLock { $0 } }

    /// Notes it and shows it.
    func note(_ text: String) {
        let at = start.duration(to: time.now).wholeNanoseconds
        let entry = Entry(at: at, wall: time.wallNow, text: text)
        state.withLock { $0.append(entry) }
        terminal.event(at: at, text)
    }
}

/// A fault of the run, as it was made.
package struct FaultRecord: Sendable {
    package var number: Int
    package var kind: String
    package var targets: [DrillTarget]
    package var parameters: String
    /// Nanoseconds since the drill began; nil when it did not come to that.
    package var injectedAt: Int64?
    package var healedAt: Int64?
    package var injection = ""
    package var healing = ""
    /// What went wrong with making or healing it; empty otherwise.
    package var failure = ""
    package var expectedRestarts: [String: Int] = [:]

    /// `kill order-service/1`.
    package var label: String { ([kind] + targets.map(\.description)).joined(separator: " ") }
}
