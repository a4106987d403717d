import Glibc

/// A way to break a promise on purpose, so that the simulation and the drills can show that they would notice.
///
/// Only debug builds have them: in a release build ``isOn`` is the constant false and the compiler removes what hangs on
/// it. A process has at most one, named by the environment variable `DEFECT`; a simulation sets one for its own task.
package enum Defect: String, CaseIterable, Sendable {
    /// An order is answered before it is committed, and the commit does not come when the process dies in between.
    case answerBeforeCommit = "answer-before-commit"
    /// An `Idempotency-Key` that was used already is taken as new.
    case keysForgotten = "keys-forgotten"
    /// A participant takes a repeated command for a new one: no inbox, and its own state is not looked at.
    case repeatsNotRecognised = "repeats-not-recognised"
    /// A command that comes after its compensation is carried out.
    case lateCommandsCarriedOut = "late-commands-carried-out"
    /// The saga skips the last compensation.
    case compensationSkipped = "compensation-skipped"
    /// Compensations are sent in the order of the steps.
    case compensatedInOrder = "compensated-in-order"
    /// A step without an answer is never sent again and never given up.
    case dueTimesForgotten = "due-times-forgotten"
    /// A reply that comes after the end changes the outcome.
    case endNotFinal = "end-not-final"
    /// Stock is taken from what is available without being reserved.
    case stockLeaks = "stock-leaks"
    /// Messages are published before the transaction commits.
    case publishBeforeCommit = "publish-before-commit"
    /// A consumer's offset is committed before its messages are handled.
    case offsetBeforeCommit = "offset-before-commit"
    /// What a dead process left in the outbox is taken over by nobody.
    case outboxNotSwept = "outbox-not-swept"
    /// A message that cannot be handled is dropped.
    case poisonDropped = "poison-dropped"
    /// The followers of a parked message are not parked behind it.
    case followersOvertake = "followers-overtake"
    /// Nobody says again that an order is confirmed whose goods do not arrive.
    case confirmationsSaidOnce = "confirmations-said-once"
    /// A charge whose outcome is unknown is sent again under another key.
    case doubtRepeated = "doubt-repeated"

    /// The defect of the simulation that runs in this task.
    @TaskLocal package static var simulated: Defect?

    /// Whether this process, or the simulation of this task, has it.
    @inline(__always)
    package var isOn: Bool {
        #if DEBUG
            Self.simulated == self || Self.ofProcess == self
        #else
            false
        #endif
    }

    #if DEBUG
        private static let ofProcess = getenv("DEFECT").flatMap { Defect(rawValue: String(cString: $0)) }
    #endif
}
