import Clocks
import LocalStack

/// How faults take hold of parts that run in containers. What they do is what `docker` does; a container that was killed by
/// hand stays down by Docker's rules, so that the drill starts it again in the place of a supervisor.
extension DrillContext {
    /// How long a container is away before it is started again: about what a supervisor needs.
    private static let absence = Duration.seconds(1)

    var isInContainers: Bool { (try? stack().containers.isEmpty) == false }

    /// The container that the target runs in; nil where it is a process of this machine.
    func container(of target: DrillTarget) throws(DrillError) -> String? {
        let containers = try stack().containers
        guard !containers.isEmpty else { return nil }
        guard let found = containers.first(where: { $0.name == target.name && $0.replica == target.replica }) else {
            throw DrillError("\(target) has no container")
        }
        return found.id
    }

    /// Ends a container at once, or in order, and starts it again.
    func restart(_ target: DrillTarget, _ container: String, with verb: [String]) async throws(DrillError) -> String {
        try expectRestart(of: target)
        try remember("down \(target)", container)
        try await docker(verb + [container])
        try? await time.sleep(for: Self.absence)
        try await docker(["start", container])
        return Self.named(target, container)
    }

    /// Ends a container at once; it stays away until ``healContainers()``.
    func takeDown(_ target: DrillTarget, _ container: String) async throws(DrillError) -> String {
        try remember("down \(target)", container)
        try expectRestart(of: target)
        try await docker(["kill", container])
        return Self.named(target, container)
    }

    /// Stops all processes of a container where they are, until ``healContainers()``.
    func freeze(_ target: DrillTarget, _ container: String) async throws(DrillError) -> String {
        try remember("frozen \(target)", container)
        // The kernel cannot freeze a container in which a health check is just being started.
        for attempt in 1... {
            do throws(DrillError) {
                try await docker(["pause", container])
                break
            } catch {
                guard attempt < 3, error.description.contains("unable to freeze") else { throw error }
                try? await time.sleep(for: .milliseconds(500))
            }
        }
        return Self.named(target, container)
    }

    /// Gives a container a share of one processor, until ``healContainers()``.
    func starve(_ target: DrillTarget, _ container: String, share: Double) async throws(DrillError) -> String {
        let limit = try await docker(["inspect", "--format", "{{.HostConfig.NanoCpus}}", container])
        let nanoseconds = Int64(limit.trimmedOfBlanks) ?? 0
        // No limit cannot be written back by `docker update`: as many as there may ever be mean the same.
        let before = nanoseconds > 0 ? Double(nanoseconds) / 1e9 : 1
        try remember("processors \(target)", "\(container) \(before)")
        try await docker(["update", "--cpus", String(share), container])
        return Self.named(target, container)
    }

    /// Undoes what this fault did to containers.
    ///
    /// - Returns: nil when it did nothing to any.
    func healContainers() async throws(DrillError) -> String? {
        var healed: [String] = []
        for name in rememberedNames.sorted() {
            guard let value = remembered(name), let blank = name.firstIndex(of: " ") else { continue }
            let target = name[name.index(after: blank)...]
            switch name[..<blank] {
            case "down":
                try await docker(["start", value])
                healed.append("\(target) runs again")
            case "frozen":
                let isPaused = try await docker(["inspect", "--format", "{{.State.Paused}}", value])
                if isPaused.hasPrefix("true") { try await docker(["unpause", value]) }
                healed.append("\(target) goes on")
            case "processors":
                let parts = value.split(separator: " ").map(String.init)
                guard parts.count == 2 else { continue }
                try await docker(["update", "--cpus", parts[1], parts[0]])
                healed.append("\(target) has \(parts[1]) processors again")
            default: continue
            }
        }
        return healed.isEmpty ? nil : healed.joined(separator: ", ")
    }

    @discardableResult
    func docker(_ arguments: [String]) async throws(DrillError) -> String {
        try await run("docker", arguments, within: .seconds(60))
    }

    private static func named(_ target: DrillTarget, _ container: String) -> String {
        "\(target) (container \(container.prefix(12)))"
    }
}

extension String {
    /// Without blanks and ends of lines around it.
    var trimmedOfBlanks: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
