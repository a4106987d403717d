/// Stops processes in their tracks and lets them go on later: a long pause of the machine below them, after which they
/// believe that no time has passed and that their leases are still theirs.
package struct PauseFault: Fault {
    package static let kind = "pause"
    package static let summary = "sends SIGSTOP to the target, and SIGCONT when it heals"
    package static let places: Set<DrillPlace> = [.local, .compose]

    private let target: TargetSelector

    package init(_ fields: FieldReader) { target = fields.target() }

    package var targets: [TargetSelector] { [target] }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var stopped: [String] = []
        for target in context.targets {
            if let container = try context.container(of: target) {
                stopped.append(try await context.freeze(target, container))
                continue
            }
            let process = try context.process(of: target)
            try context.remember("stopped \(target)", process.written)
            guard process.send(.stop) else { throw DrillError("\(target) ended before it could be stopped") }
            stopped.append("\(target) (process \(process.pid))")
        }
        return (context.isInContainers ? "paused " : "sent SIGSTOP to ") + stopped.joined(separator: ", ")
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        if let healed = try await context.healContainers() { return healed }
        var resumed: [String] = []
        for target in context.targets {
            guard let process = context.remembered("stopped \(target)").flatMap(ProcessIdentity.init(written:)) else {
                continue
            }
            if process.send(.resume) { resumed.append("\(target) (process \(process.pid))") }
        }
        return resumed.isEmpty
            ? "nothing to heal: no process was stopped" : "sent SIGCONT to " + resumed.joined(separator: ", ")
    }
}
