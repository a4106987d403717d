import Invariants

/// How a world breaks a promise: the faults and orders that it takes, and what happened.
package struct Explanation: Sendable {
    let plan: Plan
    package let violation: Violation
    package let history: History

    /// How many faults and orders it takes.
    package var size: (faults: Int, orders: Int) { (plan.faults.count, plan.orders.count) }

    /// The broken promise first, then what it takes, then what happened.
    ///
    /// - Parameter command: what runs the same world again.
    package func text(command: String) -> String {
        var lines = ["BROKEN \(violation)", "", "Again: \(command)", ""]
        lines.append(
            "It takes \(plan.orders.count) orders, \(plan.replicas) replicas, \(plan.partitions) partitions, "
                + "a \(plan.providerIsBuiltin ? "builtin" : "called") provider, "
                + "a \(plan.carrierIsBuiltin ? "builtin" : "called") carrier, commands by \(plan.channel.rawValue), and:"
        )
        lines += plan.faults.isEmpty ? ["  no fault at all"] : plan.faults.map { "  \($0)" }
        lines.append("")
        let width = history.lines.map(\.who.count).max() ?? 0
        for line in history.lines {
            let time = line.at.asSeconds
            lines.append(
                String(repeating: " ", count: max(0, 9 - time.count)) + time + "  " + line.who
                    + String(repeating: " ", count: width - line.who.count) + "  " + line.what)
        }
        return lines.joined(separator: "\n")
    }
}
