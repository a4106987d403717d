import Defects
import Invariants

/// A defect, the promise it breaks, and a world in which that shows.
package struct KnownDefect: Sendable, CustomStringConvertible {
    package let defect: Defect
    package let promise: Violation.Promise
    /// The world in which it was seen; a later one may be needed when the worlds have changed since.
    package let seed: UInt64

    package var description: String { "\(defect.rawValue) → \(promise.rawValue)" }

    /// The first world from the known one on in which the defect breaks its promise.
    ///
    /// - Parameter limit: how many worlds to look at.
    package func find(within limit: UInt64) -> Simulator.Outcome? {
        Defect.$simulated.withValue(defect) {
            for seed in seed..<seed + limit {
                let outcome = Simulator.run(seed: seed)
                if outcome.violation?.promise == promise { return outcome }
            }
            return nil
        }
    }

    package static let all = [
        KnownDefect(defect: .answerBeforeCommit, promise: .acknowledgedIsKept, seed: 14),
        KnownDefect(defect: .keysForgotten, promise: .sameKeySameAnswer, seed: 1),
        KnownDefect(defect: .repeatsNotRecognised, promise: .stockConserved, seed: 4),
        KnownDefect(defect: .lateCommandsCarriedOut, promise: .compensatedInReverse, seed: 53),
        KnownDefect(defect: .compensationSkipped, promise: .compensatedInReverse, seed: 1),
        KnownDefect(defect: .compensatedInOrder, promise: .compensatedInReverse, seed: 1),
        KnownDefect(defect: .dueTimesForgotten, promise: .oneFinalState, seed: 2),
        KnownDefect(defect: .endNotFinal, promise: .oneFinalState, seed: 1),
        KnownDefect(defect: .stockLeaks, promise: .stockConserved, seed: 1),
        KnownDefect(defect: .publishBeforeCommit, promise: .noMoneyWithoutGoods, seed: 109),
        KnownDefect(defect: .offsetBeforeCommit, promise: .nothingDroppedSilently, seed: 11),
        KnownDefect(defect: .outboxNotSwept, promise: .oneFinalState, seed: 4),
        KnownDefect(defect: .poisonDropped, promise: .nothingDroppedSilently, seed: 12),
        KnownDefect(defect: .followersOvertake, promise: .nothingDroppedSilently, seed: 12),
        KnownDefect(defect: .confirmationsSaidOnce, promise: .oneFinalState, seed: 14),
        KnownDefect(defect: .doubtRepeated, promise: .moneyAtMostOnce, seed: 20),
    ]
}
