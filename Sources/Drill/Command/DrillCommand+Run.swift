import Clocks
import Invariants
import LocalStack

extension DrillCommand {
    /// Runs the experiments one after the other.
    ///
    /// - Returns: the worst of their exit codes: a broken promise weighs more than one that could not be checked.
    func runDrills() async -> Int32 {
        let experiments: [Experiment]
        do throws(ExperimentError) { experiments = try chosen() } catch {
            return inconclusive("this is no experiment:\n" + error.description)
        }
        guard !experiments.isEmpty else {
            return inconclusive("no experiment in \(options.experimentFolder) has the tag \(options.tag ?? "")")
        }
        let seed = options.seed ?? SystemRandom().next() % 1_000_000
        if options.isDryRun { return dryRun(experiments, seed: seed) }
        var results: [DrillResult] = []
        for experiment in experiments where !Task.isCancelled {
            if !results.isEmpty { terminal.line() }
            results.append(await run(experiment, seed: seed))
        }
        if experiments.count > 1 { summarise(results) }
        if results.contains(where: { $0.verdict == .violated }) { return 1 }
        return results.count < experiments.count || results.contains { $0.verdict != .held } ? 2 : 0
    }

    func chosen() throws(ExperimentError) -> [Experiment] {
        var paths = options.experiments.map(options.path(of:))
        if options.runsAll || options.tag != nil {
            paths += Files.list(options.experimentFolder).filter { $0.hasSuffix(".yaml") }
                .map { "\(options.experimentFolder)/\($0)" }
        }
        var experiments: [Experiment] = []
        for path in paths {
            let experiment = try Experiment.load(path)
            if let tag = options.tag, !experiment.tags.contains(tag) { continue }
            if options.experiments.isEmpty, let obstacle = obstacle(experiment) {
                terminal.line("left out \(experiment.name): \(obstacle)")
                continue
            }
            experiments.append(experiment.relaxed(options.slack))
        }
        return experiments
    }

    /// Why an experiment that was not named itself is left out.
    private func obstacle(_ experiment: Experiment) -> String? {
        switch options.place {
        case .local: return nil
        case .compose: return experiment.obstacleInContainers
        case .kubernetes:
            do throws(DrillError) {
                _ = try ClusterManifest.find(experiment.name, besides: options.experimentFolder)
                return nil
            } catch { return error.description }
        }
    }

    private func run(_ experiment: Experiment, seed: UInt64) async -> DrillResult {
        let stamp = String(time.wallNow.description.filter { $0.isNumber }.prefix(14))
        let base = options.resultFolder ?? (options.startsStack ? ".holdfast/drills" : options.dataFolder + "/drills")
        let results = "\(base)/\(experiment.name)-\(stamp)-\(seed)"
        var stackFolder = options.dataFolder
        var stack: DrillStack?
        if options.startsStack {
            stackFolder = results + "/stack"
            do throws(DrillError) {
                terminal.phase("stack", "starting one of its own", .plain)
                stack = try await DrillStack.start(
                    for: experiment, in: stackFolder, programs: options.programFolder, time: time)
            } catch {
                var result = DrillResult(experiment: experiment, seed: seed, startedAt: time.wallNow)
                result.reason = error.description
                result.replay = replay(experiment, seed)
                finish(result)
                return result
            }
        }
        let runner = DrillRunner(
            DrillRunner.Setup(
                experiment: experiment, seed: seed, stackFolder: stackFolder, resultFolder: results,
                replay: replay(experiment, seed)),
            terminal: terminal, time: time)
        let result = await runner.run()
        finish(result)
        if let stack {
            await stack.stop()
            stack.forget(keepingLogsIn: result.verdict == .held ? nil : results)
        }
        return result
    }

    func replay(_ experiment: Experiment, _ seed: UInt64) -> String {
        let given = options.experiments.first { options.path(of: $0).hasSuffix("/\(experiment.name).yaml") }
        var words = ["holdfast drill run \(given ?? experiment.name) --seed \(seed)"]
        if options.slack > 1 { words.append("--slack \(options.slack)") }
        if options.startsStack { words.append("--up") }
        if options.place == .compose { words.append("--target compose --project \(options.project)") }
        if options.dataFolder != ".holdfast", !options.startsStack, options.place == .local {
            words.append("--data \(options.dataFolder)")
        }
        return words.joined(separator: " ")
    }

    /// Shows the result and writes it down.
    func finish(_ result: DrillResult) {
        for checked in result.checked {
            let finding = checked.finding
            let style: Terminal.Style =
                switch finding.verdict {
                case .held: .good
                case .violated: .bad
                case .unknown: .warning
                case .notApplicable: .dim
                }
            let count = finding.verdict == .held ? "\(finding.checked) checked" : finding.summary
            terminal.line(
                "    " + checked.invariant.id.padded(to: 4) + checked.invariant.title.padded(to: 28)
                    + terminal.styled(finding.verdict.title.padded(to: 15), style) + terminal.styled(count, .dim))
            if finding.verdict == .violated {
                for event in finding.counterexample.prefix(30) { terminal.line("          " + event) }
            }
        }
        let style: Terminal.Style =
            switch result.verdict {
            case .held: .good
            case .violated: .bad
            case .inconclusive: .warning
            }
        terminal.line(
            terminal.styled(result.verdict.rawValue.uppercased(), style)
                + (result.reason.isEmpty
                    ? (result.observer == .drill ? "  all promises held" : "  the hypothesis held")
                    : "  \(result.reason)"))
        if !result.folder.isEmpty, Files.isDirectory(result.folder) {
            for failure in ReportWriter.write(result) { terminal.line(terminal.styled(failure, .bad)) }
            terminal.line("  report  \(result.folder)/report.html")
        }
        terminal.line("  replay  \(result.replay)")
    }

    func summarise(_ results: [DrillResult]) {
        var table = TextTable(head: ["drill", "verdict", "orders", "seconds", "rest after", "why"])
        for result in results {
            let orders = result.observation.operations.count { $0.kind == .place }
            table.append([
                result.experiment.name, result.verdict.rawValue, String(orders), String(Int(result.seconds)),
                result.observation.recovery.restSeconds.map { "\(Double(Int($0 * 10)) / 10) s" } ?? "-", result.reason,
            ])
        }
        terminal.line()
        for line in table.lines { terminal.line(line) }
    }

    private func dryRun(_ experiments: [Experiment], seed: UInt64) -> Int32 {
        for experiment in experiments {
            terminal.line("\(experiment.name): \(experiment.title), seed \(seed)")
            let running = (try? StackView(folder: options.dataFolder).running()) ?? []
            let draws = SeededRandom(seed: seed &+ 2)
            var table = TextTable(head: ["at", "for", "fault", "targets", "parameters"], indent: "  ")
            for fault in experiment.method.schedule(SeededRandom(seed: seed &+ 3)) {
                let targets = fault.template.fault.targets.flatMap { selector -> [String] in
                    let found = selector.resolve(among: running, random: draws)
                    return found.isEmpty ? ["\(selector) (none runs)"] : found.map(\.description)
                }
                table.append([
                    fault.at.written, fault.length.written, fault.kind, targets.joined(separator: ", "),
                    fault.template.parameters,
                ])
            }
            for line in table.lines { terminal.line(line) }
        }
        return 0
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
