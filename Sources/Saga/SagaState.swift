import Clocks

/// Where one saga stands: everything the next decision needs, as small scalars that fit a database row.
public struct SagaState: Sendable, Hashable {
    /// What the saga is doing.
    public enum Status: String, CaseIterable, Sendable {
        /// Going forward. Leaves to `compensating` (before the pivot), `parked` or `completed`.
        case running
        /// Undoing, in reverse. Leaves to `compensated`, `quarantined` or `parked`.
        case compensating
        /// Waiting without spending an attempt, because who would do it cannot be reached. Leaves to where it came from:
        /// `compensating` with a failure, `running` without.
        case parked
        /// A compensation was given up; what remains is kept. Leaves to `compensating` when an operator redrives it.
        case quarantined
        /// Every step is done; final.
        case completed
        /// Everything that was done is undone; final.
        case compensated
    }

    /// What the saga is doing.
    public var status: Status
    /// The step under way, or the one being undone.
    public var position: Int
    /// How often the command under way was sent.
    public var attempts: Int
    /// When the command under way was sent first.
    public var stepStartedAt: Timestamp
    /// When the saga acts by itself if nothing comes; nil when it is at rest.
    public var dueAt: Timestamp?
    /// When the saga began.
    public var startedAt: Timestamp
    /// Why it is being undone; nil while it goes forward.
    public var failure: String?
    /// How many journal entries there are; the command under way is the last of them.
    public var entries: Int

    /// Restores a saga from its row.
    public init(
        status: Status, position: Int, attempts: Int, stepStartedAt: Timestamp, dueAt: Timestamp?,
        startedAt: Timestamp, failure: String?, entries: Int
    ) {
        self.status = status
        self.position = position
        self.attempts = attempts
        self.stepStartedAt = stepStartedAt
        self.dueAt = dueAt
        self.startedAt = startedAt
        self.failure = failure
        self.entries = entries
    }

    /// Whether nothing will happen any more.
    public var isFinal: Bool { status == .completed || status == .compensated }
}
