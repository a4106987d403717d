import LocalStack

/// Ends processes in order, as a rolling update does; the stack's supervisor starts them again.
package struct TerminateFault: Fault {
    package static let kind = "terminate"
    package static let summary = "sends SIGTERM to the target, which drains; the supervisor starts it again"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let target: TargetSelector

    package init(_ fields: FieldReader) { target = fields.target() }

    package var targets: [TargetSelector] { [target] }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var ended: [String] = []
        // One after the other, as an update would: the next goes when the one before is back.
        for target in context.targets {
            if let container = try context.container(of: target) {
                ended.append(try await context.restart(target, container, with: ["stop", "--time", "30"]))
                continue
            }
            let new = try await context.restart(target, with: .terminate)
            ended.append("\(target) (now process \(new.pid))")
        }
        return "sent SIGTERM to " + ended.joined(separator: ", ")
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        try await context.healContainers() ?? "nothing to heal: the supervisor starts what has ended"
    }
}
