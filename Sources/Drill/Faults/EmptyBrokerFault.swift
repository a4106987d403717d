import LocalStack

/// Takes away everything the broker had: messages, topics, the groups' offsets.
package struct EmptyBrokerFault: Fault {
    package static let kind = "empty-broker"
    package static let summary = "kills the broker and deletes what it kept; the supervisor starts it empty"

    package init(_ fields: FieldReader) {}

    package var targets: [TargetSelector] { [TargetSelector(name: "dev-broker")] }

    package func missing(in context: DrillContext) async -> String? { context.missingControl }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        for target in context.targets {
            let process = try context.process(of: target)
            try context.hold(target)
            try context.expectRestart(of: target)
            process.send(.kill)
            guard await context.waitForEnd(of: process, upTo: .seconds(10)) else {
                throw DrillError("\(target) did not end when it was killed")
            }
            // The embedded broker keeps nothing beyond its process.
            if let folder = try context.drills().brokerData { Files.removeTree(folder + "/data") }
            context.releaseChildren()
        }
        return "killed the broker, deleted what it kept and let it start empty"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        context.releaseChildren() == 0 ? "nothing to heal: the broker starts by itself" : "let the broker start again"
    }
}
