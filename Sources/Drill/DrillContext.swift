import Clocks
import HTTPClient
import LocalStack

/// What a fault has to work with; each fault of a drill gets its own.
package struct DrillContext: Sendable {
    /// Names this one fault of this one run: `holdfast-3f2a-2`. What is made outside of the stack's processes (a chain of
    /// the firewall, a file, a session) carries it in its name, so that leftovers are found.
    package let tag: String
    /// What ``Fault/targets`` resolved to, all together.
    package let targets: [DrillTarget]
    /// The stack's folder, in which `stack.json` is.
    package let stackFolder: String
    /// The folder of this run's results; faults may put logs there.
    package let folder: String
    package let random: any RandomSource
    package let time: any TimeSource
    package let client: HTTPClient
    let memory: FaultMemory
    private let journal: @Sendable (String) -> Void

    init(
        tag: String, targets: [DrillTarget], stackFolder: String, folder: String, random: any RandomSource,
        time: any TimeSource, client: HTTPClient, memory: FaultMemory, journal: @escaping @Sendable (String) -> Void
    ) {
        self.tag = tag
        self.targets = targets
        self.stackFolder = stackFolder
        self.folder = folder
        self.random = random
        self.time = time
        self.client = client
        self.memory = memory
        self.journal = journal
    }

    /// Writes a line to the journal and the terminal.
    package func log(_ text: String) { journal(text) }

    /// Keeps a fact that ``Fault/heal(in:)`` needs, in the folder of leftovers: it is on disk when this returns.
    ///
    /// - Throws: when it cannot be written; then the change must not be made.
    package func remember(_ name: String, _ value: String) throws(DrillError) { try memory.remember(name, value) }

    /// A fact that was kept; nil when there is none.
    package func remembered(_ name: String) -> String? { memory.facts[name] }

    /// The names of the facts that were kept.
    package var rememberedNames: [String] { Array(memory.facts.keys) }

    /// Tells the runner that a process was ended on purpose: one more restart is then no violation.
    package func expectRestart(of target: DrillTarget) throws(DrillError) {
        let name = "restarts " + target.description
        try remember(name, String((remembered(name).flatMap { Int($0) } ?? 0) + 1))
    }
}

extension DrillContext {
    /// `stack.json` as it is now.
    package func stack() throws(DrillError) -> StackFile { try StackView(folder: stackFolder).read() }

    /// The process that runs as the target now.
    package func process(of target: DrillTarget) throws(DrillError) -> ProcessIdentity {
        guard let process = try StackView(folder: stackFolder).process(of: target) else {
            throw DrillError("\(target) does not run at the moment")
        }
        return process
    }

    /// `http://127.0.0.1:8080`, without a slash at the end.
    package func apiURL(of target: DrillTarget) throws(DrillError) -> String {
        "http://127.0.0.1:\(try entry(of: target).api)"
    }

    /// `http://127.0.0.1:8081`, without a slash at the end.
    package func adminURL(of target: DrillTarget) throws(DrillError) -> String {
        "http://127.0.0.1:\(try entry(of: target).admin)"
    }

    private func entry(of target: DrillTarget) throws(DrillError) -> StackFile.Process {
        guard let entry = try stack().processes.first(where: { $0.name == target.name && $0.replica == target.replica })
        else { throw DrillError("\(target) has no ports in stack.json") }
        return entry
    }

    /// Where the fault proxy is controlled: the member `"drills":{"proxy":{"control":"http://127.0.0.1:PORT"}}` of
    /// `stack.json`; nil for a stack that was started without one.
    package var proxyControl: String? { StackView(folder: stackFolder).proxyControl }

    /// Runs a program to its end and returns what it wrote, standard output and error together.
    ///
    /// - Throws: when it is missing, does not exit with 0, or has not ended after `limit` (it is then killed).
    @discardableResult
    package func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], within limit: Duration
    ) async throws(DrillError) -> String {
        try await Commands.run(
            program, arguments, environment: environment, log: "\(folder)/\(tag)-\(random.next() >> 32).out",
            within: limit, time: time)
    }
}
