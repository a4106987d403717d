import Clocks
import Messaging
import Synchronization

/// Keeps the ledger: one change at a time, each written down before anybody is told of it.
final class LedgerKeeper: Sendable {
    private struct State {
        var ledger: Ledger
        /// Requests that are being handled.
        var requestsInHand = 0
    }

    private let state: Mutex<State>
    private let journal: Journal?
    private let metrics: SimulatorMetrics
    private let time: any TimeSource
    private let random: any RandomSource
    /// Notified when something may be due earlier than before.
    let wakeUp = Signal()

    /// A keeper without a journal forgets everything with the process.
    init(
        _ ledger: Ledger, journal: Journal?, metrics: SimulatorMetrics, time: any TimeSource,
        random: any RandomSource
    ) {
        state = Mutex(State(ledger: ledger))
        self.journal = journal
        self.metrics = metrics
        self.time = time
        self.random = random
    }

    /// Changes the ledger and returns once that is on disk.
    ///
    /// - Throws: ``JournalError`` when the change may be lost with the process, `CancellationError` when the task is
    ///   cancelled while it waits: the change stands, and is written all the same.
    func change<Result: Sendable>(
        _ body: @Sendable (inout Ledger, Timestamp, any RandomSource) -> Result
    ) async throws -> Result {
        let now = time.wallNow
        let (result, ticket, transitions, isEarlier) = state.withLock { state in
            let due = state.ledger.nextDue
            let result = body(&state.ledger, now, random)
            let changes = state.ledger.takeChanges()
            // Under the lock, so that the journal has the changes in the order in which they were made.
            let ticket =
                changes.records.isEmpty
                ? journal?.lastTicket : journal?.append(JournalText.line(changes.records))
            let next = state.ledger.nextDue
            return (result, ticket, changes.transitions, next.map { due == nil || $0 < due! } ?? false)
        }
        for transition in transitions { metrics.count(transition) }
        if isEarlier { wakeUp.notify() }
        if let journal, let ticket { try await journal.durable(ticket) }
        return result
    }

    /// Looks at the ledger; returns once everything that is seen there is on disk, so that no answer tells of what a crash
    /// could still undo.
    ///
    /// - Throws: as ``change(_:)``.
    func read<Result: Sendable>(_ body: @Sendable (borrowing Ledger) -> Result) async throws -> Result {
        let (result, ticket) = state.withLock { (body($0.ledger), journal?.lastTicket) }
        if let journal, let ticket { try await journal.durable(ticket) }
        return result
    }

    /// Numbers for metrics, without waiting for the disk.
    var numbers: (entries: Int, events: Int) {
        state.withLock { ($0.ledger.entryCount, $0.ledger.events.count) }
    }

    /// When the ledger wants to be advanced or to tell something.
    var nextDue: Timestamp? { state.withLock { $0.ledger.nextDue } }

    /// Runs a request; while one runs, the ledger is not forgotten.
    func whileInHand<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        state.withLock { $0.requestsInHand += 1 }
        defer { state.withLock { $0.requestsInHand -= 1 } }
        return try await body()
    }

    /// Forgets everything, unless something is under way; false when it was.
    func forget() async throws -> Bool {
        let ticket: Journal.Ticket?? = state.withLock { state in
            guard state.requestsInHand == 0, state.ledger.isAtRest, state.ledger.inFlight.isEmpty else { return nil }
            state.ledger = Ledger(rules: state.ledger.rules)
            return .some(journal?.forget())
        }
        guard let ticket else { return false }
        if let journal, let ticket { try await journal.durable(ticket) }
        return true
    }
}
