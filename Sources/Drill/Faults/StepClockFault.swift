import LocalStack

/// Puts the wall clock of one process forward or back, as a wrong time server does; its monotonic clock goes on evenly.
///
/// The target is started again under libfaketime with the right time, and steps while it runs.
package struct StepClockFault: Fault {
    package static let kind = "step-clock"
    package static let summary = "steps the wall clock of the target (libfaketime)"
    package static let notTested = [
        "Only the process's own clock was wrong; those of Postgres and the broker were right."
    ]

    private let target: TargetSelector
    /// In seconds, negative for back.
    private let offset: Int

    package init(_ fields: FieldReader) {
        target = fields.target()
        offset = fields.integer("seconds", in: -86_400...86_400)
        if offset == 0 { fields.refuse("must not be 0", at: "seconds") }
    }

    package var targets: [TargetSelector] { [target] }

    private static var library: String? {
        let folders = [
            "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
        ]
        return folders.map { $0 + "/faketime/libfaketimeMT.so.1" }.first(where: Files.exists)
    }

    package func missing(in context: DrillContext) async -> String? {
        Self.library == nil ? "libfaketime is not installed (package faketime)" : context.missingControl
    }

    package func inject(in context: DrillContext) async throws(DrillError) -> String {
        guard let library = Self.library else { throw DrillError("libfaketime is not installed (package faketime)") }
        var stepped: [String] = []
        for target in context.targets {
            let file = "\(try context.drills().control)/\(context.tag)-\(target.label).faketime"
            try context.remember("clock \(target)", file)
            try context.write(Array("+0\n".utf8), to: file)
            try context.setEnvironment(
                [
                    "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                ], of: target)
            let process = try await context.restart(target, with: .terminate)
            context.clearEnvironment(target)
            try await ready(target, in: context)
            try context.write(Array("\(offset > 0 ? "+" : "")\(offset)\n".utf8), to: file)
            stepped.append("\(target) (process \(process.pid))")
        }
        return "the clock of \(stepped.joined(separator: ", ")) stepped by \(offset) s"
    }

    /// The step is to meet a process that works.
    private func ready(_ target: DrillTarget, in context: DrillContext) async throws(DrillError) {
        let url = try context.adminURL(of: target) + "/health/ready"
        let isReady = await Deadlines.wait(upTo: .seconds(30), every: .milliseconds(200), time: context.time) {
            (try? await context.call(.get, url)) != nil
        }
        guard isReady else { throw DrillError("\(target) did not become ready under libfaketime within 30 s") }
    }

    package func heal(in context: DrillContext) async throws(DrillError) -> String {
        context.releaseChildren()
        let files = context.targets.compactMap { context.remembered("clock \($0)") }.filter(Files.exists)
        // A file that is gone would leave the process with the offset it read last.
        for file in files { try context.write(Array("+0\n".utf8), to: file) }
        return files.isEmpty ? "nothing to heal: no clock was stepped" : "put the clock right again"
    }
}
