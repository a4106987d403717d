import Invariants
import JSON

/// The journal of a run as JSON, with the members of the Chaos Toolkit's where they fit.
struct JournalDocument {
    let bytes: [UInt8]

    init(_ result: DrillResult) {
        var json = JSONWriter(capacity: 16_384)
        json.object { Self.write(result, to: &$0) }
        bytes = json.bytes + [UInt8(ascii: "\n")]
    }

    private static func write(_ result: DrillResult, to json: inout JSONWriter) {
        json.object("experiment") {
            $0.member("name", result.experiment.name)
            $0.member("title", result.experiment.title)
            $0.member("hypothesis", result.experiment.hypothesis)
            $0.member("tags", result.experiment.tags)
        }
        // In the Chaos Toolkit's words: `completed` says that all was done, `deviated` that a weakness was found.
        json.member("status", result.verdict == .inconclusive ? "aborted" : "completed")
        json.member("deviated", result.verdict == .violated)
        json.member("verdict", result.verdict.rawValue)
        json.member("reason", result.reason)
        json.member("seed", result.seed)
        json.member("replay", result.replay)
        json.member("start", result.startedAt.description)
        json.member("end", result.startedAt.advanced(by: .nanoseconds(Int64(result.seconds * 1e9))).description)
        json.member("duration", result.seconds)
        json.object("steadyStates") {
            $0.array("before", result.before, measured)
            $0.array("after", result.after, measured)
        }
        json.array("phases", result.phases) { json, phase in
            json.object {
                $0.member("name", phase.name)
                $0.member("from", seconds(phase.from))
                $0.member("to", seconds(phase.to))
            }
        }
        json.array("run", result.faults, fault)
        json.array("invariants", result.checked) { json, checked in
            json.object {
                $0.member("id", checked.invariant.id)
                $0.member("title", checked.invariant.title)
                $0.member("promises", checked.invariant.promises.map(\.rawValue))
                $0.member("verdict", checked.finding.verdict.rawValue)
                $0.member("checked", checked.finding.checked)
                $0.member("violations", checked.finding.violations)
                $0.member("summary", checked.finding.summary)
                $0.member("counterexample", checked.finding.counterexample)
            }
        }
        let recovery = result.observation.recovery
        json.object("recovery") {
            $0.member("readySeconds", recovery.readySeconds)
            $0.member("restSeconds", recovery.restSeconds)
            $0.member("outstanding", recovery.outstanding)
        }
        json.object("requests") { json in
            for outcome in [Operation.Outcome.ok, .fail, .info] {
                json.name(outcome.rawValue)
                json.integer(result.observation.operations.count { $0.outcome == outcome })
            }
        }
        json.member("notTested", result.notTested)
        json.array("journal", result.entries) { json, entry in
            json.object {
                $0.member("t", seconds(entry.at))
                $0.member("at", entry.wall.description)
                $0.member("text", entry.text)
            }
        }
    }

    private static func measured(_ json: inout JSONWriter, _ measured: Measured) {
        json.object {
            $0.member("name", measured.probe.name)
            $0.member("tolerance", measured.probe.tolerance.description)
            $0.member("value", measured.value)
            $0.member("toleranceMet", measured.holds)
        }
    }

    private static func fault(_ json: inout JSONWriter, _ fault: FaultRecord) {
        json.object {
            $0.member("number", fault.number)
            $0.member("fault", fault.kind)
            $0.member("targets", fault.targets.map(\.description))
            $0.raw("parameters", fault.parameters.utf8)
            $0.member("injectedAt", fault.injectedAt.map(seconds))
            $0.member("healedAt", fault.healedAt.map(seconds))
            $0.member("injection", fault.injection)
            $0.member("healing", fault.healing)
            $0.member("failure", fault.failure)
        }
    }

    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 1_000_000) / 1000 }
}
