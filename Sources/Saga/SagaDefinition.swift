/// A business process as a list of steps, each with its undoing.
///
/// What is after which is checked when the definition is built: *compensatable* steps, then at most one *pivot*, then
/// *retriable* ones. Before the pivot everything can be undone; after it everything goes through in the end.
public struct SagaDefinition: Sendable, Hashable {
    /// Names the process in the database and in the log.
    public let name: String
    /// A saga under way stays on the version it began with.
    public let version: Int
    /// The steps in order.
    public let steps: [SagaStep]
    /// How long the whole may take before the pivot; then it is undone as `timed-out`.
    public let deadline: Duration?

    /// Checks the list and builds the definition.
    ///
    /// - Throws: ``SagaDefinitionError`` for a list that could leave something half done.
    public init(
        _ name: String, version: Int, deadline: Duration? = nil, steps: [SagaStep]
    ) throws(SagaDefinitionError) {
        guard !steps.isEmpty else { throw .noSteps }
        var names: Set<String> = []
        var hasPivot = false
        var sawRetriable: String?
        for step in steps {
            for name in [step.name, step.compensation?.name].compactMap({ $0 }) {
                guard names.insert(name).inserted else { throw .duplicateName(name) }
            }
            switch step.kind {
            case .compensatable:
                if hasPivot { throw .notRetriableAfterPivot(step.name) }
                if let earlier = sawRetriable { throw .notCompensatedBeforePivot(earlier) }
            case .pivot:
                if hasPivot { throw .secondPivot(step.name) }
                if let earlier = sawRetriable { throw .notCompensatedBeforePivot(earlier) }
                hasPivot = true
            case .retriable:
                sawRetriable = step.name
            }
        }
        self.name = name
        self.version = version
        self.steps = steps
        self.deadline = deadline
    }

    /// The index of the pivot; without one, the number of steps before the first retriable one.
    public var pivotIndex: Int {
        steps.firstIndex { $0.kind != .compensatable } ?? steps.count
    }
}

/// Why a list of steps is no saga.
public enum SagaDefinitionError: Error, Hashable, Sendable, CustomStringConvertible {
    case noSteps
    case duplicateName(String)
    case secondPivot(String)
    /// The step comes before one that can still fail, and nothing undoes it.
    case notCompensatedBeforePivot(String)
    /// The step could fail after the point of no return.
    case notRetriableAfterPivot(String)

    /// What is wrong, and with which step.
    public var description: String {
        switch self {
        case .noSteps: "a saga needs at least one step"
        case .duplicateName(let name): "the name \(name) is used twice; replies could not be told apart"
        case .secondPivot(let name): "\(name) is a second pivot; there is one point of no return"
        case .notCompensatedBeforePivot(let name):
            "\(name) has no compensation but comes before a step that can fail; give it one or move it behind the pivot"
        case .notRetriableAfterPivot(let name):
            "\(name) can fail after the pivot; make it retriable or move it before the pivot"
        }
    }
}
