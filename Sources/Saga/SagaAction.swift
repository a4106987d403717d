import Clocks

/// What an engine has to do, all of it in one transaction with the new state.
public enum SagaAction: Sendable, Hashable {
    /// Send the command of the step with this index, or the command that undoes it.
    case send(step: Int, kind: SagaJournalEntry.Kind, attempt: Int)
    /// Do the local step with this index.
    case perform(step: Int)
    /// Append this entry to the journal.
    case append(SagaJournalEntry)
    /// Change the journal entry with this index.
    case update(entry: Int, status: SagaJournalEntry.Status, attempts: Int, finishedAt: Timestamp?, detail: String?)
    /// The saga has come to its end.
    case finished(SagaOutcome)
    /// The compensation with this name was given up: an operator has to look.
    case quarantined(compensation: String)
}

/// How a saga ended.
public enum SagaOutcome: Sendable, Hashable {
    case completed
    /// Undone, for this reason.
    case compensated(reason: String)
}

/// One line of a saga's journal: a step, or the undoing of one.
public struct SagaJournalEntry: Sendable, Hashable {
    /// Whether something was done or undone.
    public enum Kind: String, CaseIterable, Sendable {
        case action, compensation
    }

    /// How it went.
    public enum Status: String, CaseIterable, Sendable {
        case pending, succeeded, failed, unknown, parked
    }

    /// By which way the command went.
    public enum Channel: String, CaseIterable, Sendable {
        case kafka, http, local
    }

    /// The position in the journal, from 0.
    public var index: Int
    /// The name of the step or of its compensation.
    public var step: String
    /// Whether something was done or undone.
    public var kind: Kind
    /// The step that a compensation undoes.
    public var undoes: String?
    /// How it went.
    public var status: Status
    /// How often the command was sent.
    public var attempts: Int
    /// By which way the command went.
    public var channel: Channel
    /// When it was begun.
    public var startedAt: Timestamp
    /// When it was decided.
    public var finishedAt: Timestamp?
    /// The reason of a failure, or `nothing-to-undo`.
    public var detail: String?

    /// Describes an entry.
    public init(
        index: Int, step: String, kind: Kind, undoes: String? = nil, status: Status, attempts: Int = 1,
        channel: Channel, startedAt: Timestamp, finishedAt: Timestamp? = nil, detail: String? = nil
    ) {
        self.index = index
        self.step = step
        self.kind = kind
        self.undoes = undoes
        self.status = status
        self.attempts = attempts
        self.channel = channel
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.detail = detail
    }
}

/// What a participant answered.
public enum SagaReply: Sendable, Hashable {
    case succeeded
    /// Refused for good, for this reason.
    case failed(reason: String)
    /// A compensation found nothing to undo, and made sure that nothing can come later.
    case nothingToUndo
}

/// What an input came to.
public enum SagaTransition: Sendable, Hashable {
    /// The state has changed; do these, in order.
    case actions([SagaAction])
    /// The state is as it was, for this reason.
    case ignored(String)
}
