import Clocks
import JSON
import LocalStack

/// What is known of one fault under way, on disk before it is made and removed when it is healed.
///
/// The file is a leftover as long as it is there: `holdfast drill heal` makes the fault anew from its kind and parameters and
/// has it undo what the facts tell of.
final class FaultMemory: Sendable {
    /// What identifies a leftover.
    struct Header: Sendable, Equatable {
        var tag: String
        var kind: String
        /// The fault's own members as they were written, as a YAML (JSON) mapping.
        var parameters: String
        var targets: [DrillTarget]
        /// The runner; while it lives the fault is under way and no leftover.
        var runner: String
        /// When the fault ends by plan.
        var endsAt: Timestamp
    }

    let header: Header
    private let path: String
    private let state: Lock<[String: String]>

    init(_ header: Header, folder: String, facts: [String: String] = [:]) {
        self.header = header
        path = "\(folder)/\(header.tag).json"
        state = Lock(facts)
    }

    var facts: [String: String] { state.withLock { $0 } }

    func remember(_ name: String, _ value: String) throws(DrillError) {
        state.withLock { $0[name] = value }
        try write()
    }

    /// Writes the file; before the fault is made.
    func write() throws(DrillError) {
        let facts = facts
        var json = JSONWriter()
        json.object {
            $0.member("tag", header.tag)
            $0.member("kind", header.kind)
            $0.member("parameters", header.parameters)
            $0.array("targets", header.targets) { json, target in
                json.object {
                    $0.member("name", target.name)
                    $0.member("replica", target.replica)
                }
            }
            $0.member("runner", header.runner)
            $0.member("endsAt", header.endsAt.description)
            $0.object("facts") { json in
                for (name, value) in facts.sorted(by: { $0.key < $1.key }) {
                    json.name(name)
                    json.string(value)
                }
            }
        }
        do throws(FileError) { try Files.replace(path, with: json.bytes + [UInt8(ascii: "\n")]) } catch {
            throw DrillError("\(error): without it a fault could not be healed after a crash, so none is made")
        }
    }

    /// Called when the fault is healed.
    func remove() { Files.remove(path) }

    /// The leftovers of a folder, oldest tag first; files that cannot be read are left where they are.
    static func leftovers(in folder: String) -> [FaultMemory] {
        Files.list(folder).filter { $0.hasSuffix(".json") }.compactMap { name in
            guard let bytes = Files.read("\(folder)/\(name)"), let root = try? JSONDocument(parsing: bytes).root,
                let tag = root["tag"]?.string, let kind = root["kind"]?.string,
                let parameters = root["parameters"]?.string, let runner = root["runner"]?.string,
                let endsAt = root["endsAt"]?.string.flatMap({ Timestamp(rfc3339: $0) })
            else { return nil }
            let targets = root["targets"].map { list in
                list.elements.compactMap { entry -> DrillTarget? in
                    guard let name = entry["name"]?.string, let replica = entry["replica"]?.int64 else { return nil }
                    return DrillTarget(name: name, replica: Int(replica))
                }
            }
            let facts = root["facts"].map { object in
                Dictionary(object.members.map { ($0.name, $0.value.string ?? "") }) { $1 }
            }
            let header = Header(
                tag: tag, kind: kind, parameters: parameters, targets: targets ?? [], runner: runner, endsAt: endsAt)
            return FaultMemory(header, folder: folder, facts: facts ?? [:])
        }
    }
}
