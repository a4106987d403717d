/// Pays for repeating durable work, which must be done in the end whatever the budget says.
///
/// A repeat that cannot be paid for is put off, by one more wait of whoever does the work, and is then made all the same: so an
/// empty budget halves what is repeated at worst, and never stops it. What is put off is remembered by this process alone.
package final class DurableRepeats<ID: Hashable & Sendable>: Sendable {
    private enum Standing {
        case made
        case putOff
    }

    private let limit: Int
    private let standings = Lock<[ID: Standing]>([:])

    /// - Parameter limit: how much work is remembered; what comes beyond it is not put off.
    package init(limit: Int = 10_000) {
        self.limit = limit
    }

    /// Whether the work may be repeated now; false to wait once more.
    package func mayRepeat(_ id: ID, paidFrom budget: RetryBudget) -> Bool {
        standings.withLock { mayRepeat(id, budget, &$0) }
    }

    /// Whether the work may be done now: the first time it is free, and then each further time is a repeat.
    package func mayDo(_ id: ID, paidFrom budget: RetryBudget) -> Bool {
        standings.withLock { standings in
            guard standings[id] == nil else { return mayRepeat(id, budget, &standings) }
            if standings.count < limit { standings[id] = .made }
            return true
        }
    }

    /// The work is done.
    package func forget(_ id: ID) {
        _ = standings.withLock { $0.removeValue(forKey: id) }
    }

    private func mayRepeat(_ id: ID, _ budget: RetryBudget, _ standings: inout [ID: Standing]) -> Bool {
        let isKnown = standings[id] != nil
        guard !budget.withdraw(), standings[id] != .putOff, isKnown || standings.count < limit else {
            if isKnown { standings[id] = .made }
            return true
        }
        standings[id] = .putOff
        return false
    }
}
