/// A promise that does not hold, and how that shows.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// The promises, by the names the documentation gives them.
    package enum Promise: String, CaseIterable, Sendable {
        case acknowledgedIsKept = "acknowledged-is-kept"
        case oneFinalState = "one-final-state"
        case moneyAtMostOnce = "money-at-most-once"
        case noMoneyWithoutGoods = "no-money-without-goods"
        case stockConserved = "stock-conserved"
        case sameKeySameAnswer = "same-key-same-answer"
        case compensatedInReverse = "compensated-in-reverse"
        case nothingDroppedSilently = "nothing-dropped-silently"
    }

    /// Which promise.
    package var promise: Promise
    /// What was seen, in one sentence.
    package var detail: String

    /// Describes a violation.
    package init(_ promise: Promise, _ detail: String) {
        self.promise = promise
        self.detail = detail
    }

    /// The promise and what was seen.
    package var description: String { "\(promise.rawValue): \(detail)" }
}
