import Clocks

/// What a breaker knows at one moment, for metrics and operators.
public struct CircuitBreakerSnapshot: Hashable, Sendable {
    /// The breaker's name.
    public let name: String

    /// Its state. An open breaker stays open until a call comes after ``openUntil``.
    public let state: CircuitBreakerState

    /// Calls in the window.
    public let calls: Int

    /// Failed calls in the window.
    public let failures: Int

    /// Slow calls in the window, failed or not.
    public let slowCalls: Int

    /// When it will take probes; nil unless open.
    public let openUntil: MonotonicInstant?

    /// Calls since the breaker was made.
    public let counts: CircuitBreakerCounts
}

/// Calls since a breaker was made, by the state they were admitted or refused in and by what came of them.
public struct CircuitBreakerCounts: Hashable, Sendable {
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

    private var values = [UInt64](repeating: 0, count: CircuitBreakerState.allCases.count * Result.allCases.count)

    init() {}

    /// The number of calls with this result in this state.
    public subscript(state: CircuitBreakerState, result: Result) -> UInt64 {
        values[state.rawValue * Result.allCases.count + result.rawValue]
    }

    /// The number of calls with this result in any state.
    public func total(_ result: Result) -> UInt64 {
        CircuitBreakerState.allCases.reduce(0) { $0 + self[$1, result] }
    }

    mutating func add(_ result: Result, in state: CircuitBreakerState) {
        values[state.rawValue * 5 + result.rawValue] += 1
    }

    mutating func add(_ outcome: CallOutcome, in state: CircuitBreakerState) {
        switch outcome {
        case .success: add(Result.success, in: state)
        case .failure: add(Result.failure, in: state)
        case .neutral: add(Result.neutral, in: state)
        }
    }
}
