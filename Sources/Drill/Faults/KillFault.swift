/// Ends processes at once, as a crash or the kernel's memory killer would; the stack's supervisor starts them again.
package struct KillFault: Fault {
    package static let kind = "kill"
    package static let summary = "sends SIGKILL to the target; the supervisor starts it again"
    package static let places: Set<DrillPlace> = [.local, .compose]
    package static let notTested = [
        "kill -9 does not test fsync: what the process wrote is still in the kernel's cache, which a loss of power would take."
    ]

    private let target: TargetSelector
    /// How often the same target is killed, `every` apart.
    private let times: Int
    private let pause: Duration

    package init(_ fields: FieldReader) {
        target = fields.target()
        times = fields.integer("times", in: 1...100, or: 1)
        pause = fields.duration("every", or: .seconds(2))
    }

    package var targets: [TargetSelector] { [target] }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var killed: [String] = []
        for round in 0..<times {
            if round > 0, (try? await context.time.sleep(for: pause)) == nil { break }
            for target in context.targets {
                if let container = try context.container(of: target) {
                    killed.append(try await context.restart(target, container, with: ["kill"]))
                    continue
                }
                guard let process = await running(target, in: context) else { continue }
                try context.expectRestart(of: target)
                if process.send(.kill) { killed.append("\(target) (process \(process.pid))") }
            }
        }
        guard !killed.isEmpty else { throw DrillError("none of \(context.targets) ran long enough to be killed") }
        return "sent SIGKILL to " + killed.joined(separator: ", ")
    }

    /// The supervisor may just be starting it again.
    private func running(_ target: DrillTarget, in context: DrillContext) async -> ProcessIdentity? {
        var found: ProcessIdentity?
        _ = await Deadlines.wait(upTo: .seconds(10), time: context.time) {
            found = try? context.process(of: target)
            return found != nil
        }
        return found
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        try await context.healContainers() ?? "nothing to heal: the supervisor starts what was killed"
    }
}
