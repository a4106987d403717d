import LocalStack

/// Takes a running process's descriptors away: it can open no connection and no file beyond those it has.
package struct ExhaustDescriptorsFault: Fault {
    package static let kind = "exhaust-descriptors"
    package static let summary = "limits how many files and connections the target may have open (prlimit)"

    private let target: TargetSelector
    private let limit: Int

    package init(_ fields: FieldReader) {
        target = fields.target()
        limit = fields.integer("limit", in: 1...100_000)
    }

    package var targets: [TargetSelector] { [target] }

    package func missing(in context: DrillContext) async -> String? {
        Programs.find("prlimit") == nil ? "prlimit is not installed (package util-linux)" : nil
    }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        var limited: [String] = []
        for target in context.targets {
            let process = try context.process(of: target)
            let old = try await context.run(
                "prlimit", ["--pid", String(process.pid), "--nofile", "--output", "SOFT", "--noheadings"],
                within: .seconds(5))
            let soft = String(old.filter { $0.isNumber })
            guard !soft.isEmpty else { throw DrillError("prlimit does not tell the limit of \(target)") }
            try context.remember("limit \(target)", "\(process.written) \(soft)")
            // Swift's runtime looks at its threads in /proc now and then, and ends the process when it cannot open that.
            try context.expectRestart(of: target)
            // The soft limit alone: only that can be raised again without being root.
            try await set(limit: String(limit), of: process, in: context)
            limited.append("\(target) (process \(process.pid), \(soft) before)")
        }
        return "limited to \(limit) descriptors: \(limited.joined(separator: ", "))"
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        var healed = 0
        for target in context.targets {
            let parts = context.remembered("limit \(target)")?.split(separator: " ").map(String.init) ?? []
            guard parts.count == 2, let process = ProcessIdentity(written: parts[0]), process.isAlive else { continue }
            try await set(limit: parts[1], of: process, in: context)
            healed += 1
        }
        return healed == 0 ? "nothing to heal: no process is limited" : "gave the descriptors back"
    }

    private func set(
        limit: String, of process: ProcessIdentity, in context: DrillContext
    ) async throws(DrillError) {
        try await context.run("prlimit", ["--pid", String(process.pid), "--nofile=\(limit):"], within: .seconds(5))
    }
}
