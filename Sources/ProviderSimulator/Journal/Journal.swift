import Synchronization
import Telemetry

/// Writes the ledger's changes down, many at a time: what comes while the disk is busy goes out with the next flush.
///
/// One thread of its own does the blocking. Once a write has failed nothing more is promised: after a failed flush nobody
/// knows what the disk has, so the process has to start anew and read. What waits is bounded by who waits for it: the
/// connections of the API and the deliveries under way.
final class Journal: Sendable {
    /// A place in the journal: everything up to it was appended before.
    struct Ticket: Hashable, Comparable, Sendable {
        fileprivate var number: UInt64

        static func < (left: Ticket, right: Ticket) -> Bool { left.number < right.number }
    }

    private struct Waiter {
        var ticket: Ticket
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var buffer: [UInt8] = []
        /// Everything before the buffer is to be forgotten.
        var forgets = false
        var appended: UInt64 = 0
        var durable: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
        var failure: JournalError?
        var isClosed = false
        /// Called once, when the journal has failed or its thread has ended.
        var onEnd: (@Sendable (JournalError?) -> Void)?
    }

    private let state = Mutex(State())
    private let work = ThreadSignal()

    /// Starts the thread, which owns the file until ``close()``.
    init(_ file: consuming JournalFile) {
        let holder = FileHolder(file)
        WorkerThread.start(name: "journal") { [self] in run(holder.file) }
    }

    /// What is in the journal so far.
    var lastTicket: Ticket { state.withLock { Ticket(number: $0.appended) } }

    /// Takes a line to be written; returns at once. Lines are written in the order of these calls.
    func append(_ line: [UInt8]) -> Ticket {
        let ticket = state.withLock { state in
            state.buffer.append(contentsOf: line)
            state.appended += 1
            return Ticket(number: state.appended)
        }
        work.send()
        return ticket
    }

    /// Forgets everything appended so far; what is appended from now on begins a new history.
    func forget() -> Ticket {
        let ticket = state.withLock { state in
            state.buffer = []
            state.forgets = true
            state.appended += 1
            return Ticket(number: state.appended)
        }
        work.send()
        return ticket
    }

    /// Returns once everything up to the ticket is on disk.
    ///
    /// - Throws: ``JournalError`` when that will never be so, `CancellationError` when the task is cancelled: the line may
    ///   be written all the same.
    func durable(_ ticket: Ticket) async throws {
        let id: UInt64? = try state.withLock { state throws(JournalError) in
            if state.durable >= ticket.number { return nil }
            if let failure = state.failure { throw failure }
            state.nextWaiter += 1
            return state.nextWaiter
        }
        guard let id else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    if state.durable >= ticket.number { return .success(()) }
                    if let failure = state.failure { return .failure(failure) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[id] = Waiter(ticket: ticket, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Returns when the journal has failed, with why, or nil when it was closed.
    func ended() async -> JournalError? {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.failure != nil { return true }
                state.onEnd = { continuation.resume(returning: $0) }
                return false
            }
            if isOver { continuation.resume(returning: reason) }
        }
    }

    private var reason: JournalError? {
        state.withLock { $0.failure == .closed ? nil : $0.failure }
    }

    /// Writes what waits and ends the thread; later appends are never durable.
    func close() {
        state.withLock { $0.isClosed = true }
        work.send()
    }

    // MARK: - The thread

    private func run(_ file: borrowing JournalFile) {
        while true {
            work.wait()
            let (bytes, forgets, upTo, isClosed) = state.withLock { state in
                defer {
                    state.buffer = []
                    state.forgets = false
                }
                return (state.buffer, state.forgets, state.appended, state.isClosed)
            }
            do throws(JournalError) {
                if forgets { try file.truncate(to: 0) }
                if !bytes.isEmpty { try file.append(bytes) }
                settle(upTo)
            } catch {
                end(error)
                return
            }
            if isClosed {
                end(.closed)
                return
            }
        }
    }

    private func settle(_ upTo: UInt64) {
        let due = state.withLock { state in
            state.durable = upTo
            let due = state.waiters.filter { $0.value.ticket.number <= upTo }
            for id in due.keys { state.waiters[id] = nil }
            return due.values
        }
        for waiter in due { waiter.continuation.resume() }
    }

    private func end(_ error: JournalError) {
        let (waiters, onEnd) = state.withLock { state in
            state.failure = error
            defer {
                state.waiters = [:]
                state.onEnd = nil
            }
            return (state.waiters.values, state.onEnd)
        }
        for waiter in waiters { waiter.continuation.resume(throwing: error) }
        onEnd?(error == .closed ? nil : error)
    }

    /// Takes the file to its thread: a closure cannot capture what cannot be copied.
    private final class FileHolder: Sendable {
        let file: JournalFile
        init(_ file: consuming JournalFile) { self.file = file }
    }
}
