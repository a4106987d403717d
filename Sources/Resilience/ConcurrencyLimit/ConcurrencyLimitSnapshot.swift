import Clocks

/// What a call says about the load of what was called.
public enum LimitedCallOutcome: String, Hashable, Sendable, CaseIterable {
    /// It was done; its latency counts.
    case success

    /// It was lost to load: it ran out of time, or the other side refused it as one too many.
    case dropped

    /// Nothing: the caller gave up, or it failed for another reason.
    case neutral

    /// The usual reading: values are successes, timeouts and passed deadlines are drops, all else is neutral.
    @inlinable
    public static func standard<Value, Failure: Error>(_ result: Result<Value, Failure>) -> LimitedCallOutcome {
        switch result {
        case .success: return .success
        case .failure(let error):
            switch error as? Rejection {
            case .timedOut, .deadlineExceeded: return .dropped
            default: return .neutral
            }
        }
    }
}

/// What a concurrency limit knows at one moment, for metrics and operators.
public struct ConcurrencyLimitSnapshot: Hashable, Sendable {
    /// The limit's name.
    public let name: String

    /// Calls that may be under way.
    public let limit: Int

    /// Calls under way.
    public let inFlight: Int

    /// Whether the limit is lowered for a moment, to measure latency without queueing.
    public let isProbing: Bool

    /// Latency without queueing; nil when not known, or not used by the algorithm.
    public let baseline: Duration?

    /// The mean latency of the last window; nil before the first.
    public let latency: Duration?

    /// Calls admitted since the limit was made.
    public let admitted: CallPriorityCounts

    /// Calls refused since the limit was made.
    public let refused: CallPriorityCounts

    /// Calls that ended as dropped.
    public let dropped: UInt64

    init(name: String, machine: ConcurrencyLimitMachine) {
        self.name = name
        limit = machine.limit
        inFlight = machine.inFlight
        isProbing = machine.algorithm.isProbing
        baseline = machine.algorithm.baseline.map { .nanoseconds(Int64($0)) }
        latency = machine.latency.map { .nanoseconds(Int64($0)) }
        admitted = machine.admitted
        refused = machine.refused
        dropped = machine.dropped
    }
}

/// Numbers of calls by their priority.
public struct CallPriorityCounts: Hashable, Sendable {
    private var background: UInt64 = 0
    private var normal: UInt64 = 0
    private var critical: UInt64 = 0

    init() {}

    /// The number of calls of this priority.
    public subscript(priority: CallPriority) -> UInt64 {
        switch priority {
        case .background: background
        case .normal: normal
        case .critical: critical
        }
    }

    /// The number of all calls.
    public var total: UInt64 { background + normal + critical }

    mutating func add(_ priority: CallPriority) {
        switch priority {
        case .background: background += 1
        case .normal: normal += 1
        case .critical: critical += 1
        }
    }
}
