import JSON
import LocalStack

/// A running stack as it can be seen from outside: its file and the processes below its supervisor.
package struct StackView: Sendable {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// - Throws: when no stack runs in the folder.
    package func read() throws(DrillError) -> StackFile {
        guard let bytes = Files.read(folder + "/stack.json"), let file = StackFile(parsing: bytes) else {
            throw DrillError(
                "no stack runs in \(folder) (it has no stack.json): start one with holdfast up, or add --up")
        }
        return file
    }

    /// What a stack runs besides the processes that have ports of their own: name here, and names of the program. Apache
    /// Kafka in the place of the embedded broker goes by the same name.
    private static let others = ["dev-broker": ["dev-broker", "java"], "postgres": ["postgres"]]

    /// Everything that can be a target.
    package func running() throws(DrillError) -> [DrillTarget] {
        let stack = try read()
        if !stack.containers.isEmpty {
            return stack.containers.map { DrillTarget(name: $0.name, replica: $0.replica) }.sorted()
        }
        let children = ProcessTable.children(of: stack.supervisor).map(\.status.name)
        let others = Self.others.filter { $0.value.contains(where: children.contains) }.map {
            DrillTarget(name: $0.key, replica: 1)
        }
        return (stack.processes.map { DrillTarget(name: $0.name, replica: $0.replica) } + others).sorted()
    }

    /// The process that runs as the target now; nil between its death and its restart.
    package func process(of target: DrillTarget) throws(DrillError) -> ProcessIdentity? {
        let stack = try read()
        if let programs = Self.others[target.name] {
            return ProcessTable.children(of: stack.supervisor).first {
                programs.contains($0.status.name) && $0.status.state != "Z"
            }
            .flatMap { ProcessIdentity(pid: $0.pid) }
        }
        return stack.processes.first { $0.name == target.name && $0.replica == target.replica }
            .flatMap { ProcessIdentity(pid: $0.pid) }
            .flatMap { $0.isAlive ? $0 : nil }
    }

    /// See ``DrillContext/proxyControl``.
    package var proxyControl: String? {
        guard let bytes = Files.read(folder + "/stack.json"), let document = try? JSONDocument(parsing: bytes) else {
            return nil
        }
        return document.root["drills"]?["proxy"]?["control"]?.string
    }
}
