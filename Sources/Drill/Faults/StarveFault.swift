import LocalStack

/// Lets a process run for a part of the time alone, as beside a neighbour that takes the machine: ten times a second it is
/// stopped and let go on.
package struct StarveFault: Fault {
    package static let kind = "starve"
    package static let summary = "lets the target run for a share of the time alone (SIGSTOP and SIGCONT in turns)"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let target: TargetSelector
    private let share: Double

    package init(_ fields: FieldReader) {
        target = fields.target()
        share = fields.number("share", in: 0.02...0.9)
    }

    package var targets: [TargetSelector] { [target] }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var starved: [String] = []
        for target in context.targets {
            if let container = try context.container(of: target) {
                starved.append(try await context.starve(target, container, share: share))
                continue
            }
            let process = try context.process(of: target)
            try context.remember("starved \(target)", process.written)
            let (run, stop) = (share / 10, (1 - share) / 10)
            // A process of its own keeps time better than a task beside the load; it ends with the runner, or its target.
            let script =
                "while kill -STOP \(process.pid) 2>/dev/null; do sleep \(stop); kill -CONT \(process.pid); sleep \(run); done"
            let child: ChildProcess
            do throws(ChildProcessError) {
                child = try await ChildProcess.start(Launch("/bin/sh", ["-c", script]))
            } catch {
                throw DrillError("\(error)")
            }
            if let helper = ProcessIdentity(pid: child.pid) { try context.remember("helper \(target)", helper.written) }
            starved.append("\(target) (process \(process.pid))")
        }
        return "lets run \(Int(share * 100)) % of the time: \(starved.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        if let healed = try await context.healContainers() { return healed }
        var healed = 0
        for target in context.targets {
            if let helper = context.remembered("helper \(target)").flatMap(ProcessIdentity.init(written:)) {
                helper.send(.kill)
            }
            guard let process = context.remembered("starved \(target)").flatMap(ProcessIdentity.init(written:)) else {
                continue
            }
            if process.send(.resume) { healed += 1 }
        }
        return healed == 0 ? "nothing to heal: no process is starved" : "let it run all the time again"
    }
}
