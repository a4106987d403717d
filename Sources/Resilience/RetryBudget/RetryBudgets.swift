import Clocks

/// The retry budgets of a process: one for each dependency, shared by all who call it.
///
/// Names are bounded. A dependency whose name comes when all places are taken shares one further account with all
/// others of that kind, so that no dependency ever has two.
public final class RetryBudgets: Sendable {
    /// The name of the account that those share who found no place.
    public static let othersName = "others"

    private let configuration: RetryBudgetConfiguration
    private let maximumCount: Int
    private let time: any TimeSource
    private let budgets = Lock<[String: RetryBudget]>([:])

    /// Creates an empty registry whose budgets begin with `configuration`.
    ///
    /// - Precondition: The configuration has no ``RetryBudgetConfiguration/faults``, and `maximumCount` is positive.
    public init(
        configuration: RetryBudgetConfiguration = RetryBudgetConfiguration(), maximumCount: Int = 256,
        time: any TimeSource
    ) {
        let faults = configuration.faults
        precondition(faults.isEmpty, "retry budgets: \(faults.joined(separator: ", "))")
        precondition(maximumCount > 0, "the number of retry budgets must be positive")
        self.configuration = configuration
        self.maximumCount = maximumCount
        self.time = time
    }

    /// The budget of this dependency; made when it is asked for the first time. Keep it rather than ask for each call.
    public func budget(for dependency: String) -> RetryBudget {
        budgets.withLock { budgets in
            if let budget = budgets[dependency] { return budget }
            let isFull = budgets.count >= maximumCount
            let name = isFull ? Self.othersName : dependency
            if let budget = budgets[name] { return budget }
            let budget = RetryBudget(name: name, configuration: configuration, time: time)
            budgets[name] = budget
            return budget
        }
    }

    /// The figures of all budgets now, by name.
    public var snapshot: [RetryBudget.Snapshot] {
        let all = budgets.withLock { Array($0.values) }
        return all.map(\.snapshot).sorted { $0.name < $1.name }
    }
}
