import LocalStack

/// Ends Postgres at once with all its sessions; it recovers from its log when the supervisor starts it again.
package struct CrashPostgresFault: Fault {
    package static let kind = "crash-postgres"
    package static let summary = "kills Postgres with all its sessions, or stops it immediately; it recovers by itself"
    package static let places: Set<DrillPlace> = [.local, .compose]
    package static let notTested = [
        "a killed Postgres does not test fsync: what it wrote is still in the kernel's cache, which a loss of power would take."
    ]

    private enum How: String, CaseIterable, Sendable {
        /// `kill -9` of the whole family.
        case kill
        /// SIGQUIT to the postmaster: `pg_ctl stop -m immediate`.
        case immediate
    }

    private let how: How

    package init(_ fields: FieldReader) { how = fields.choice("how", or: .kill) }

    package var targets: [TargetSelector] { [DrillContext.postgres] }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var pids: [String] = []
        for target in context.targets {
            if let container = try context.container(of: target) {
                let signal = how == .kill ? "KILL" : "QUIT"
                pids.append(try await context.restart(target, container, with: ["kill", "--signal", signal]))
                continue
            }
            let process = try context.process(of: target)
            try context.expectRestart(of: target)
            let family = process.family
            switch how {
            // The postmaster first: it would take a dead child for a crash and begin to recover.
            case .kill: for member in family { member.send(.kill) }
            case .immediate: process.send(.quit)
            }
            pids.append("process \(process.pid) with \(family.count - 1) children")
        }
        return (how == .kill ? "sent SIGKILL to" : "stopped immediately") + " Postgres, "
            + pids.joined(separator: ", ")
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        try await context.healContainers() ?? "nothing to heal: the supervisor starts Postgres again, which recovers"
    }
}
