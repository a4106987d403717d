import Clocks
import HTTPClient
import HTTPCodec
import JSON
import LocalStack

/// A stack in containers, seen through `docker`: which of them run as what, and where they can be reached.
///
/// It is written down as `stack.json`, so that everything else in a drill knows it as it knows a stack of processes.
struct ComposeProject: Sendable {
    /// The project's name, as Compose labels its containers.
    let name: String
    /// Where `stack.json` goes.
    let folder: String
    let time: any TimeSource

    /// What `docker inspect` is to say of each container, one JSON object a line.
    private static let format =
        #"{"id":{{json .Id}},"pid":{{.State.Pid}},"service":{{json (index .Config.Labels "com.docker.compose.service")}}"#
        + #","ports":{{json .HostConfig.PortBindings}}}"#

    /// Where a service of the compose file has its API and its admin port, inside.
    private static func ports(of target: String) -> (api: String, admin: String)? {
        switch target {
        case "provider-simulator": ("8090/tcp", "8091/tcp")
        case _ where TargetSelector.services.contains(target): ("8080/tcp", "8081/tcp")
        default: nil
        }
    }

    /// A service of the compose file as drills name it; nil for what no drill acts on.
    static func target(of service: String) -> DrillTarget? {
        switch service {
        case "kafka": return DrillTarget(name: "dev-broker", replica: 1)
        case "postgres", "provider-simulator": return DrillTarget(name: service, replica: 1)
        default:
            for name in TargetSelector.services {
                if service == name { return DrillTarget(name: name, replica: 1) }
                guard service.hasPrefix(name + "-") else { continue }
                return Int(service.dropFirst(name.count + 1)).map { DrillTarget(name: name, replica: $0) }
            }
            return nil
        }
    }

    /// Looks at the containers and writes `stack.json`.
    ///
    /// - Throws: when docker cannot be asked, or nothing of the project is there.
    func refresh() async throws(DrillError) {
        let label = "label=com.docker.compose.project=\(name)"
        let ids = try await docker(["ps", "--all", "--quiet", "--no-trunc", "--filter", label])
            .split(separator: "\n").map(String.init)
        guard !ids.isEmpty else {
            throw DrillError(
                "there are no containers of the project \(name): start them with make compose-up DRILLS=on, or name "
                    + "theirs with --project")
        }
        let seen = try await docker(["inspect", "--format", Self.format] + ids)
        let before = try? StackView(folder: folder).read()
        var file = try Self.read(seen, before: before)
        guard !file.processes.isEmpty else { throw DrillError("the project \(name) has no service of the suite") }
        if let drills = file.drills {
            file.drills?.links =
                if let known = before?.drills?.links, !known.isEmpty { known } else {
                    await links(drills.proxyURL)
                }
        }
        if let error = file.write(to: folder + "/stack.json") { throw DrillError("\(error)") }
    }

    /// Keeps `stack.json` true until the task is cancelled.
    func follow() async {
        while (try? await time.sleep(for: .seconds(1))) != nil { try? await refresh() }
    }

    /// Reads what docker said.
    static func read(_ text: String, before: StackFile?) throws(DrillError) -> StackFile {
        var file = StackFile(supervisor: 0, processes: [], postgresPort: 0, brokerPort: 0)
        for line in text.split(separator: "\n") {
            guard let root = try? JSONDocument(parsing: Array(line.utf8)).root, let id = root["id"]?.string,
                let pid = root["pid"]?.int64, let service = root["service"]?.string
            else { throw DrillError("docker inspect said \(line.prefix(200))") }
            let port = { (inside: String) -> Int? in
                root["ports"]?.member(named: inside)?.elements.first { _ in true }?["HostPort"]?.string
                    .flatMap { Int($0) }
            }
            if service == "fault-proxy", let control = port("20000/tcp") {
                file.drills = StackFile.Drills(
                    proxy: Int32(truncatingIfNeeded: pid), proxyURL: "http://127.0.0.1:\(control)", control: "",
                    postgresData: "", links: [])
            }
            guard let target = target(of: service) else { continue }
            file.containers.append(.init(name: target.name, replica: target.replica, id: id))
            if service == "postgres" { file.postgresPort = port("5432/tcp") ?? 0 }
            if service == "kafka" { file.brokerPort = port("9092/tcp") ?? 0 }
            guard let inside = ports(of: target.name) else { continue }
            guard let api = port(inside.api), let admin = port(inside.admin) else {
                throw DrillError("\(target) publishes no ports on this machine")
            }
            // One that is down has no process; a restart is counted when there is another than before.
            let last = before?.processes.first { $0.name == target.name && $0.replica == target.replica }?.pid
            file.processes.append(
                .init(
                    name: target.name, replica: target.replica,
                    pid: pid > 0 ? Int32(truncatingIfNeeded: pid) : last ?? 0, api: api, admin: admin))
        }
        file.processes.sort { ($0.name, $0.replica) < ($1.name, $1.replica) }
        return file
    }

    /// The links of fault-proxy, by their names; none as long as it does not answer.
    private func links(_ url: String) async -> [PlannedLink] {
        let client = HTTPClient(time: time)
        let response = try? await client.execute(
            HTTPClientRequest(.get, url: url + "/links"), deadline: time.now.advanced(by: .seconds(5)))
        await client.shutdown()
        guard let response, let root = try? JSONDocument(parsing: response.body).root else { return [] }
        return (root["links"].map { Array($0.elements) } ?? []).compactMap { link in
            guard let name = link["name"]?.string, let port = link["port"]?.int64, let dot = name.firstIndex(of: ".")
            else { return nil }
            return PlannedLink(
                from: String(name[..<dot]), to: String(name[name.index(after: dot)...]), port: Int(port), target: 0)
        }
    }

    private func docker(_ arguments: [String]) async throws(DrillError) -> String {
        try await Commands.run(
            "docker", arguments, log: folder + "/docker-\(arguments[0]).out", within: .seconds(30), time: time)
    }
}
