/// Calls since a breaker was made, by the state they were admitted or refused in and by what came of them.
public struct CircuitBreakerCounts: Sendable {
    /// What came of a call.
    public enum Result: Int, Hashable, Sendable, CaseIterable {
        /// It succeeded.
        case success = 0
        /// It failed.
        case failure = 1
        /// It said nothing about the dependency.
        case neutral = 2
        /// It was refused.
        case rejected = 3
        /// It ended in a later state than it began in, and was dropped.
        case late = 4
    }

    /// Six states by five results, in place: counting allocates nothing even after a copy was handed out.
    private var values = InlineArray<30, UInt64>(repeating: 0)

    init() {}

    /// The number of calls with this result in this state.
    public subscript(state: CircuitBreakerState, result: Result) -> UInt64 {
        values[Self.index(state, result)]
    }

    /// The number of calls with this result in any state.
    public func total(_ result: Result) -> UInt64 {
        CircuitBreakerState.allCases.reduce(0) { $0 + self[$1, result] }
    }

    mutating func add(_ result: Result, in state: CircuitBreakerState, times: Int = 1) {
        values[Self.index(state, result)] += UInt64(times)
    }

    mutating func add(_ outcome: CallOutcome, in state: CircuitBreakerState) {
        switch outcome {
        case .success: add(Result.success, in: state)
        case .failure: add(Result.failure, in: state)
        case .neutral: add(Result.neutral, in: state)
        }
    }

    private static func index(_ state: CircuitBreakerState, _ result: Result) -> Int {
        state.rawValue * 5 + result.rawValue
    }
}

extension CircuitBreakerCounts: Hashable {
    /// Equal when every number is.
    public static func == (left: CircuitBreakerCounts, right: CircuitBreakerCounts) -> Bool {
        left.values.indices.allSatisfy { left.values[$0] == right.values[$0] }
    }

    /// Hashes every number.
    public func hash(into hasher: inout Hasher) {
        for index in values.indices { hasher.combine(values[index]) }
    }
}
