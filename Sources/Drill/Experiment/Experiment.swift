import Invariants

/// An experiment as its file describes it.
package struct Experiment: Sendable {
    /// The file's name without `.yaml`.
    package var name: String
    package var title: String
    /// What holds although the faults are made.
    package var hypothesis: String
    package var tags: [String]
    package var stack: StackNeeds
    package var load: LoadSettings
    package var steadyState: [Probe]
    package var method: Method
    package var rollbacks: [Rollback]
    package var abort: AbortRules
    package var invariants: [Invariant]
    package var recovery: RecoveryLimits
    package var allow: Allowances

    /// What the stack has to have.
    package struct StackNeeds: Sendable, Equatable {
        /// At least so many replicas, by service.
        package var replicas: [String: Int] = [:]
        /// `http` when the drill needs provider-simulator to be asked.
        package var providers: String?
        /// Whether the links between the parts have to go through the fault proxy.
        package var needsProxy = false
        /// Settings a stack of the drill's own is started with; one that runs already is not asked for them.
        package var environment: [String: String] = [:]
    }

    /// When a drill is ended early.
    package struct AbortRules: Sendable, Equatable {
        /// The share of requests that may fail, and for how long it may be exceeded.
        package var errorShare = 1.0
        package var errorTime = Duration.seconds(30)
        /// The share of the disk that has to stay free.
        package var freeDisk = 0.05
    }

    package struct RecoveryLimits: Sendable, Equatable {
        /// From the last heal until every service is ready.
        package var service = Duration.seconds(15)
        /// From then until every order is final and nothing is under way.
        package var final = Duration.seconds(30)
    }

    /// What the faults do on purpose and no check may blame the suite for.
    package struct Allowances: Sendable, Equatable {
        package var deadLetters = 0
        /// The share of requests outside of the faults' times that may fail.
        package var errors = 0.01
        /// How much slower the 99th percentile may be afterwards, with a floor below which it does not count.
        package var slower = 1.5
        package var slowerFloor = Duration.milliseconds(250)
    }
}

/// The method: faults at given times, or drawn by the seed.
package enum Method: Sendable {
    case planned([FaultTemplate])
    case random(RandomMethod)

    package struct RandomMethod: Sendable {
        package var length: Duration
        /// The shortest and longest spell without a fault between two of them.
        package var quiet: ClosedRange<Duration>
        package var templates: [FaultTemplate]
    }

    package var templates: [FaultTemplate] {
        switch self {
        case .planned(let templates): templates
        case .random(let method): method.templates
        }
    }
}

/// A fault with its time; in a random method the times are drawn.
package struct FaultTemplate: Sendable {
    package var kind: String
    package var fault: any Fault
    /// Its members as one line of JSON, from which it can be made again.
    package var parameters: String
    /// From the end of the baseline on; not used in a random method.
    package var at: Duration
    /// How long it lasts before it is healed; in a random method drawn from the range.
    package var length: ClosedRange<Duration>
    /// How often it is drawn compared with the others.
    package var weight: Int
}

/// A request that is made at the end whatever happens, after all faults are healed.
package struct Rollback: Sendable {
    package var name: String
    package var target: TargetSelector
    package var method: String
    package var path: String
    package var body: String?
    /// Whether it goes to the admin port.
    package var isAdmin: Bool
}
