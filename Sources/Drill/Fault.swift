/// Something that goes wrong on purpose.
///
/// One fault has one file in `Faults/`; ``FaultRegistry`` lists them. A fault is a value made from the parameters of an
/// experiment file, or, after a crash of the runner, from the same parameters in the folder of leftovers: so ``heal(in:)``
/// may rest on nothing but the parameters and what ``inject(in:)`` had the context remember.
package protocol Fault: Sendable {
    /// Its name in a file: `fault: kill`.
    static var kind: String { get }
    /// One sentence for `holdfast drill list --faults` and the documentation.
    static var summary: String { get }
    /// Where it can be made; on Kubernetes the cluster's own tools make faults.
    static var places: Set<DrillPlace> { get }
    /// What a drill with this fault does not prove, one sentence each; for the report.
    static var notTested: [String] { get }

    /// Reads its parameters. Mistakes are noted by the reader; a fault with mistakes is thrown away. The reader's
    /// `finish()` is called by the registry.
    init(_ fields: FieldReader)

    /// The processes it acts on, resolved before the drill begins; a selector that finds nothing ends the drill as
    /// inconclusive. Empty for a fault that acts on something else.
    var targets: [TargetSelector] { get }

    /// What this machine or stack lacks for it, with the remedy; nil when it can be done. Asked before any fault is made.
    func missing(in context: DrillContext) async -> String?

    /// Makes it. Before each change that outlives this process it has the context remember how to undo it.
    ///
    /// - Returns: what was done, in one sentence for the journal: `sent SIGKILL to order-service/1 (process 4711)`.
    /// - Throws: what kept it from being made; ``heal(in:)`` is called all the same.
    func inject(in context: DrillContext) async throws(DrillError) -> String

    /// Undoes it. Idempotent: called once or more, after success, failure or a crash half way, also from another process.
    /// It runs to its end when the task is cancelled.
    ///
    /// - Returns: what was done, or that there was nothing to do.
    func heal(in context: DrillContext) async throws(DrillError) -> String
}

extension Fault {
    package static var places: Set<DrillPlace> { [.local] }
    package static var notTested: [String] { [] }
    package var targets: [TargetSelector] { [] }
    package func missing(in context: DrillContext) async -> String? { nil }
}
