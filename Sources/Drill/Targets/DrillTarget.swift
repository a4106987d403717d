import Clocks

/// One process of the stack: whoever runs under that name, restarted or not.
package struct DrillTarget: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var name: String
    package var replica: Int

    package init(name: String, replica: Int) {
        self.name = name
        self.replica = replica
    }

    package var description: String { "\(name)/\(replica)" }

    package static func < (left: DrillTarget, right: DrillTarget) -> Bool {
        (left.name, left.replica) < (right.name, right.replica)
    }
}

extension TargetSelector {
    /// Chooses among what runs.
    ///
    /// - Returns: the targets in order; empty when there is none, which no drill may take for a pass.
    package func resolve(among running: [DrillTarget], random: some RandomSource) -> [DrillTarget] {
        let isOurs = { (target: DrillTarget) in
            name == Self.anyService ? Self.services.contains(target.name) : target.name == name
        }
        let candidates = running.filter(isOurs).sorted()
        switch choice {
        case .all: return candidates
        case .replica(let number): return candidates.filter { $0.replica == number }
        case .one:
            guard !candidates.isEmpty else { return [] }
            return [candidates[Int(random.next() % UInt64(candidates.count))]]
        }
    }
}
