import Clocks
import LocalStack

extension DrillCommand {
    /// How long an experiment of a cluster may take: the longest of ours, with its probes, takes about five minutes.
    private static let clusterLimit = 900

    /// Applies the experiments in a cluster one after the other, and waits for what its tools say of each.
    func runInCluster() async -> Int32 {
        let experiments: [Experiment]
        do throws(ExperimentError) { experiments = try chosen() } catch {
            return inconclusive("this is no experiment:\n" + error.description)
        }
        guard !experiments.isEmpty else { return inconclusive("no experiment was chosen") }
        var results: [DrillResult] = []
        for experiment in experiments where !Task.isCancelled {
            if !results.isEmpty { terminal.line() }
            results.append(await runInCluster(experiment))
        }
        if experiments.count > 1 { summarise(results) }
        if results.contains(where: { $0.verdict == .violated }) { return 1 }
        return results.count < experiments.count || results.contains { $0.verdict != .held } ? 2 : 0
    }

    private func runInCluster(_ experiment: Experiment) async -> DrillResult {
        let begin = time.now
        var result = DrillResult(experiment: experiment, seed: options.seed ?? 0, startedAt: time.wallNow)
        let stamp = String(time.wallNow.description.filter { $0.isNumber }.prefix(14))
        result.folder = "\(options.resultFolder ?? options.dataFolder + "/drills")/\(experiment.name)-\(stamp)"
        result.replay = "holdfast drill run \(experiment.name) --target kubernetes --namespace \(options.namespace)"
        terminal.line(terminal.styled("drill \(experiment.name)", .bold) + "  " + experiment.title)
        let journal = DrillJournal(start: begin, terminal: terminal, time: time)
        do throws(DrillError) {
            do throws(FileError) { try Files.makeDirectory(result.folder) } catch { throw DrillError("\(error)") }
            let manifest = try ClusterManifest.find(experiment.name, besides: options.experimentFolder)
            try await perform(manifest, journal, into: &result)
        } catch {
            result.reason = error.description
        }
        result.seconds = begin.duration(to: time.now).inSeconds
        result.entries = journal.entries
        result.observer = .cluster
        finish(result)
        return result
    }

    private func perform(
        _ manifest: ClusterManifest, _ journal: DrillJournal, into result: inout DrillResult
    ) async throws(DrillError) {
        let folder = result.folder
        // What an earlier run left would be taken for this one's.
        try await remove(manifest, folder)
        let files = (manifest.before + [manifest.path]).flatMap { ["-f", $0] }
        do throws(DrillError) {
            try await kubectl(["apply"] + files, folder)
            journal.note("applied \(manifest.kind) \(manifest.name)")
            let script = "\(options.experimentFolder)/../../scripts/chaos-verdict"
            let (exit, output) = try await Commands.outcome(
                script, manifest.question(within: Self.clusterLimit),
                environment: ["NAMESPACE": options.namespace, "KUBECTL": options.kubectl],
                log: folder + "/verdict.out", within: .seconds(Self.clusterLimit + 60), time: time)
            let lines = output.split(separator: "\n").map(String.init)
            for line in lines { journal.note(line) }
            result.reason = lines.last ?? "chaos-verdict said nothing"
            switch exit {
            case .code(0):
                result.verdict = .held
                result.reason = ""
            case .code(1): result.verdict = .violated
            default: result.verdict = .inconclusive
            }
        } catch {
            result.reason = error.description
        }
        // Also when the drill was interrupted: nothing may stay behind in a cluster.
        let removal = Task { () -> DrillError? in
            do throws(DrillError) {
                try await remove(manifest, folder)
                return nil
            } catch { return error }
        }
        if let error = await removal.value {
            result.verdict = .inconclusive
            throw DrillError("\(manifest.path) could not be taken away, delete it by hand: \(error)")
        }
        journal.note("took \(manifest.kind) \(manifest.name) away")
    }

    private func remove(_ manifest: ClusterManifest, _ folder: String) async throws(DrillError) {
        try await kubectl(["delete", "-f", manifest.path, "--ignore-not-found", "--timeout=120s"], folder)
        guard let fault = manifest.fault else { return }
        // Litmus leaves its result, which is the next run's before it begins.
        try await kubectl(
            ["-n", "litmus", "delete", "chaosresult", "\(manifest.name)-\(fault)", "--ignore-not-found"], folder)
    }

    private func kubectl(_ arguments: [String], _ folder: String) async throws(DrillError) {
        _ = try await Commands.run(
            options.kubectl, arguments, log: folder + "/kubectl.out", within: .seconds(180), time: time)
    }
}
