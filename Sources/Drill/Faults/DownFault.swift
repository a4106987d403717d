import LocalStack

/// Kills processes and keeps them down: a broker, a database or a service that is out for a while.
package struct DownFault: Fault {
    package static let kind = "down"
    package static let summary = "kills the target and keeps the supervisor from starting it again until it heals"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let target: TargetSelector

    package init(_ fields: FieldReader) { target = fields.target() }

    package var targets: [TargetSelector] { [target] }

    package func missing(in context: DrillContext) async -> String? {
        context.isInContainers ? nil : context.missingControl
    }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        for target in context.targets {
            if let container = try context.container(of: target) {
                _ = try await context.takeDown(target, container)
                continue
            }
            let process = try context.process(of: target)
            try context.hold(target)
            try context.expectRestart(of: target)
            // Postgres' own children would hold its port and memory for a moment longer.
            for member in process.family.reversed() { member.send(.kill) }
        }
        return "killed and held down " + context.targets.map(\.description).joined(separator: ", ")
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        if let healed = try await context.healContainers() { return healed }
        return context.releaseChildren() == 0
            ? "nothing to heal: nothing is held down" : "let the supervisor start it again"
    }
}
