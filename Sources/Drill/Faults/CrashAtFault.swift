/// Has a process die at a line between two durable steps: where more is at stake than at a random moment.
///
/// The target is started again with `CRASH_AT`, works, and kills itself when it passes the point for the nth time; the next
/// one is started without it.
package struct CrashAtFault: Fault {
    package static let kind = "crash-at"
    package static let summary = "restarts the target so that it kills itself at a crash point"

    private enum Point: String, CaseIterable, Sendable {
        case beforeCommit = "before-commit"
        case afterCommit = "after-commit"
        case afterPublish = "after-publish"
        case afterProviderCall = "after-provider-call"
        case beforeOffsetCommit = "before-offset-commit"
        case beforeAnswer = "before-answer"
    }

    private let target: TargetSelector
    private let point: Point
    private let passage: Int
    private let patience: Duration

    package init(_ fields: FieldReader) {
        target = fields.target()
        point = fields.choice("point")
        passage = fields.integer("passage", in: 1...1_000_000, or: 1)
        patience = fields.duration("within", or: .seconds(30))
    }

    package var targets: [TargetSelector] { [target] }

    package func missing(in context: DrillContext) async -> String? { context.missingControl }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var crashed: [String] = []
        for target in context.targets {
            try context.setEnvironment(["CRASH_AT": "\(point.rawValue):\(passage)"], of: target)
            let doomed = try await context.restart(target, with: .terminate)
            // What is started after it lives on.
            context.clearEnvironment(target)
            try context.expectRestart(of: target)
            guard await context.waitForEnd(of: doomed, upTo: patience) else {
                throw DrillError(
                    "\(target) did not pass \(point.rawValue) \(passage) times within \(patience.written): nothing was put to the test"
                )
            }
            crashed.append("\(target) (process \(doomed.pid))")
        }
        return "died at \(point.rawValue), passage \(passage): \(crashed.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        context.releaseChildren()
        return "nothing to heal: the next one is started without a crash point"
    }
}
