import Clocks
import Messaging

/// By which way a command goes, as it is decided when the command is written.
package enum CommandWay: Sendable, Hashable {
    /// By the outbox, in the transaction that decides it.
    case kafka
    /// Directly, after the commit; then the outbox has no copy of it.
    case direct
    /// By none now: the saga is parked, and looks again after this.
    case none(retryAfter: Duration)
}

/// A command that goes directly to who carries it out.
package struct DirectCommand: Sendable {
    package var saga: UUID
    /// The name of the step or compensation.
    package var name: String
    package var message: OutgoingMessage
    /// After how long the saga sends it again by itself: nobody else need bother with it then.
    package var patience: Duration

    package init(saga: UUID, name: String, message: OutgoingMessage, patience: Duration) {
        self.saga = saga
        self.name = name
        self.message = message
        self.patience = patience
    }
}

/// The ways there are besides the outbox.
///
/// All methods return at once: the first two are called inside a transaction, the last right after its commit. A command that
/// is lost in between is sent again at the saga's due time.
package protocol CommandChannels: Sendable {
    /// The way of the `attempt`-th sending of the command with this name.
    func way(of command: String, attempt: Int) -> CommandWay

    /// Whether a command that was sent by the outbox so long ago may have been lost on its way, through no fault of who
    /// carries it out.
    func mayHaveLost(_ age: Duration) -> Bool

    /// Sends what was committed; each reply, or why there is none, comes back to the coordinator in its own time.
    func send(_ commands: [DirectCommand])
}
