import LocalStack

/// An experiment's manifest for a cluster's own tool, as far as it has to be known to wait for it.
struct ClusterManifest: Sendable, Equatable {
    /// The file.
    var path: String
    /// What has to be there before it: Litmus' account.
    var before: [String]
    /// `ChaosEngine`, or a kind of Chaos Mesh.
    var kind: String
    var name: String
    /// Litmus' fault, such as `pod-delete`; nil for Chaos Mesh.
    var fault: String?

    /// Finds the manifest of an experiment beside the folder of the local ones: Litmus', whose probes judge, before Chaos
    /// Mesh's, which only tells that the fault was made and healed.
    ///
    /// - Throws: when there is none, or it cannot be read.
    static func find(_ experiment: String, besides folder: String) throws(DrillError) -> ClusterManifest {
        for tool in ["litmus", "chaos-mesh"] {
            let path = "\(folder)/../\(tool)/\(experiment).yaml"
            guard let bytes = Files.read(path) else { continue }
            let root: YAMLNode
            do throws(Mistake) { root = try YAMLParser.parse(bytes) } catch {
                throw DrillError("\(path), \(error)")
            }
            guard let kind = root["kind"]?.text, let name = root["metadata"]?["name"]?.text else {
                throw DrillError("\(path) has no kind or no name")
            }
            guard tool == "litmus" else {
                return ClusterManifest(path: path, before: [], kind: kind, name: name, fault: nil)
            }
            guard let fault = root["spec"]?["experiments"]?.items.first?["name"]?.text else {
                throw DrillError("\(path) names no fault")
            }
            return ClusterManifest(
                path: path, before: ["\(folder)/../litmus/account.yaml"], kind: kind, name: name, fault: fault)
        }
        throw DrillError(
            "there is no \(experiment).yaml in chaos-experiments/litmus or chaos-experiments/chaos-mesh: this experiment is "
                + "for one machine")
    }

    /// What ``scripts/chaos-verdict`` is asked.
    func question(within seconds: Int) -> [String] {
        fault.map { ["litmus", name, $0, String(seconds)] } ?? ["chaos-mesh", "\(kind)/\(name)", String(seconds)]
    }
}

extension YAMLNode {
    fileprivate subscript(name: String) -> YAMLNode? {
        guard case .mapping(let members) = content else { return nil }
        return members.first { $0.name == name }?.value
    }

    fileprivate var items: [YAMLNode] {
        if case .sequence(let items) = content { return items }
        return []
    }
}
