import Clocks
import Postgres

/// What a batch of messages does: decided without I/O, so that it can be tested as a function.
///
/// The processor runs `reads` at the start of the transaction, calls `handle` on the connection's thread, and writes
/// what it answers together with inbox, outbox and commit: two round trips a batch.
package protocol MessageHandler: Sendable {
    /// Whether the message says anything to this handler; one that does not costs no transaction. All do unless told
    /// otherwise: a topic of commands has none to pass over.
    func concerns(_ message: IncomingMessage) -> Bool

    /// What has to be read (and locked, in key order) to handle these messages.
    func reads(for messages: [IncomingMessage]) -> [Statement]

    /// Decides what the messages do, in their order; a later one sees the effect of an earlier one.
    ///
    /// - Parameters:
    ///   - messages: none of them handled before, no id twice.
    ///   - rows: the answers to `reads`, in that order. The reads may have covered more messages than these.
    /// - Throws: what makes the whole batch impossible; the processor then isolates the message that does it.
    func handle(_ messages: [IncomingMessage], rows: [Rows]) throws -> HandledBatch
}

extension MessageHandler {
    package func concerns(_ message: IncomingMessage) -> Bool { true }
}

/// What handling a batch writes, answers and says.
package struct HandledBatch: Sendable {
    /// State changes, in order.
    package var writes: [Statement] = []
    /// The reply of each message that has one now; a message without one is recorded as handled all the same.
    package var replies: [UUID: OutgoingMessage] = [:]
    /// Further messages, such as events and commands.
    package var outgoing: [OutgoingMessage] = []
    /// Messages that can never be handled, with the reason: they become dead letters.
    package var refused: [UUID: String] = [:]
    /// Run once the transaction has committed: metrics, waking of waiters. Must not block.
    package var afterCommit: (@Sendable () -> Void)?

    package init() {}
}
