import Clocks
import Invariants

/// What a drill came to, with all that its report needs.
package struct DrillResult: Sendable {
    package enum Verdict: String, Sendable {
        case held
        case violated
        case inconclusive

        /// 0, 1, 2.
        package var exitCode: Int32 {
            switch self {
            case .held: 0
            case .violated: 1
            case .inconclusive: 2
            }
        }
    }

    package struct Checked: Sendable {
        package var invariant: Invariant
        package var finding: Finding
    }

    package struct Phase: Sendable, Equatable {
        package var name: String
        /// Nanoseconds since the drill began.
        package var from: Int64
        package var to: Int64
    }

    package var experiment: Experiment
    package var seed: UInt64
    package var startedAt: Timestamp
    package var seconds = 0.0
    package var verdict = Verdict.inconclusive
    /// Why it is not `held`, in one sentence; empty otherwise.
    package var reason = ""
    package var replay = ""
    package var folder = ""
    package var observation = Observation()
    package var checked: [Checked] = []
    package var before: [Measured] = []
    package var after: [Measured] = []
    package var faults: [FaultRecord] = []
    package var samples: [Sampler.Sample] = []
    package var phases: [Phase] = []
    package var entries: [DrillJournal.Entry] = []
    /// Who judged.
    package var observer = Observer.drill

    package enum Observer: Sendable {
        /// This program, by its own load and the books.
        case drill
        /// The cluster's tool, by its probes.
        case cluster
    }

    init(experiment: Experiment, seed: UInt64, startedAt: Timestamp) {
        self.experiment = experiment
        self.seed = seed
        self.startedAt = startedAt
    }

    /// What this drill says nothing about, one sentence each.
    package var notTested: [String] {
        guard observer == .drill else {
            return ["The probes of the cluster's tool judged: the history of each order was not checked."]
        }
        var lines: [String] = []
        for template in experiment.method.templates {
            for line in type(of: template.fault).notTested where !lines.contains(line) { lines.append(line) }
        }
        if observation.providerCharges == nil {
            lines.append(
                "Money moved by rules inside payment-service: the conversation with a provider over HTTP was not put to the test."
            )
        }
        for checked in checked where checked.finding.verdict == .unknown || checked.finding.verdict == .notApplicable {
            lines.append("\(checked.invariant.id) \(checked.invariant.title): \(checked.finding.summary).")
        }
        let left = Invariant.all.filter { invariant in !experiment.invariants.contains { $0.id == invariant.id } }
        if !left.isEmpty {
            lines.append("The experiment leaves out \(left.map(\.id).joined(separator: ", ")).")
        }
        lines.append(
            "One machine has one clock and no real network: drift and loss between machines are for the drills on Kubernetes."
        )
        return lines
    }
}
