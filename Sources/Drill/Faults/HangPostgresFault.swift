import LocalStack

/// Stops Postgres with all its sessions where they are: connections stay open and nothing answers.
package struct HangPostgresFault: Fault {
    package static let kind = "hang-postgres"
    package static let summary = "stops Postgres and all its sessions (SIGSTOP), and lets them go on when it heals"
    package static let places: Set<DrillPlace> = [.local, .compose]

    package init(_ fields: FieldReader) {}

    package var targets: [TargetSelector] { [DrillContext.postgres] }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var count = 0
        for target in context.targets {
            if let container = try context.container(of: target) {
                return "paused " + (try await context.freeze(target, container))
            }
            let process = try context.process(of: target)
            try context.remember("stopped \(target)", process.written)
            // The postmaster first, so that it makes no child meanwhile.
            for member in process.family where member.send(.stop) { count += 1 }
        }
        return "sent SIGSTOP to Postgres, \(count) processes"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        if let healed = try await context.healContainers() { return healed }
        var count = 0
        for target in context.targets {
            guard let process = context.remembered("stopped \(target)").flatMap(ProcessIdentity.init(written:)),
                process.isAlive
            else { continue }
            for member in process.family.reversed() where member.send(.resume) { count += 1 }
        }
        return count == 0 ? "nothing to heal: Postgres is not stopped" : "sent SIGCONT to \(count) processes"
    }
}
