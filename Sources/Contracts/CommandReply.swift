import Clocks

/// A participant's answer to a command: final, and the same for every repeat.
package struct CommandReply: Hashable, Sendable {
    /// What the command came to.
    package enum Outcome: String, CaseIterable, Sendable {
        case succeeded
        /// A business refusal, with its reason; asking again changes nothing.
        case failed
        /// A compensation found nothing to undo, and made sure that nothing can come later.
        case nothingToUndo = "nothing-to-undo"
    }

    package var orderID: UUID
    /// The name of the saga's step or compensation, such as `charge-payment`.
    package var command: String
    package var outcome: Outcome
    package var reason: Reason?

    package init(orderID: UUID, command: String, outcome: Outcome, reason: Reason? = nil) {
        self.orderID = orderID
        self.command = command
        self.outcome = outcome
        self.reason = reason
    }
}
