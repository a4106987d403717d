import Clocks
import HTTPClient
import Invariants
import LocalStack

/// `holdfast drill`, without the process around it.
package struct DrillCommand: Sendable {
    package let options: DrillOptions
    package let terminal: Terminal
    let time: any TimeSource

    package init(_ options: DrillOptions, terminal: Terminal, time: any TimeSource = SystemTime()) {
        self.options = options
        self.terminal = terminal
        self.time = time
    }

    /// Does it; cancelling the task ends it early with everything healed.
    ///
    /// - Returns: the exit code.
    package func run() async -> Int32 {
        switch options.command {
        case .list: list()
        case .run: await options.place == .kubernetes ? runInCluster() : withStack { await runDrills() }
        case .verify: await withStack { await verify() }
        case .heal: await heal()
        case .guard: await DrillGuard.run(data: options.dataFolder, runner: options.runner ?? "", time: time)
        }
    }

    // MARK: list

    private var files: [String] {
        Files.list(options.experimentFolder).filter { $0.hasSuffix(".yaml") }.map {
            "\(options.experimentFolder)/\($0)"
        }
    }

    private func list() -> Int32 {
        if options.listsFaults {
            var table = TextTable(head: ["fault", "where", "what it does"])
            for fault in FaultRegistry.all {
                let places = DrillPlace.allCases.filter(fault.places.contains).map(\.rawValue)
                table.append([fault.kind, places.joined(separator: ", "), fault.summary])
            }
            for line in table.lines { terminal.line(line) }
            return 0
        }
        var table = TextTable(head: ["experiment", "tags", "needs", "title"])
        var failures: [String] = []
        for path in files {
            do throws(ExperimentError) {
                let experiment = try Experiment.load(path)
                guard options.tag.map(experiment.tags.contains) ?? true else { continue }
                table.append([
                    experiment.name, experiment.tags.joined(separator: ", "), experiment.stack.summary,
                    experiment.title,
                ])
            } catch {
                failures.append(error.description)
            }
        }
        if files.isEmpty { failures.append("there is no experiment in \(options.experimentFolder)") }
        for line in table.lines { terminal.line(line) }
        for failure in failures { terminal.line(terminal.styled(failure, .bad)) }
        return failures.isEmpty ? 0 : 2
    }

    /// Writes down where the containers are before the body, and keeps that true during it.
    private func withStack(_ body: () async -> Int32) async -> Int32 {
        guard options.place == .compose else { return await body() }
        let project = ComposeProject(name: options.project, folder: options.dataFolder, time: time)
        do throws(FileError) { try Files.makeDirectory(options.dataFolder) } catch { return inconclusive("\(error)") }
        // What an earlier project left there says nothing about this one.
        Files.remove(options.dataFolder + "/stack.json")
        do throws(DrillError) { try await project.refresh() } catch { return inconclusive(error.description) }
        let following = Task { await project.follow() }
        let code = await body()
        following.cancel()
        await following.value
        return code
    }

    // MARK: verify and heal

    private func verify() async -> Int32 {
        let folder: DrillFolder
        do throws(DrillError) {
            folder = try DrillFolder(stackFolder: options.dataFolder)
            _ = try StackView(folder: folder.stackFolder).read()
        } catch {
            return inconclusive(error.description)
        }
        let client = SuiteClient(view: StackView(folder: folder.stackFolder), time: time)
        let outcome = await StackCheck(client: client, terminal: terminal, time: time).run()
        await client.client.shutdown()
        return outcome.exitCode
    }

    private func heal() async -> Int32 {
        do throws(DrillError) {
            let folder = try DrillFolder(stackFolder: options.dataFolder)
            let client = HTTPClient(time: time)
            let terminal = terminal
            let worker = FaultWorker(
                folder: folder, resultFolder: folder.path, client: client, time: time, random: SystemRandom(),
                note: { terminal.line("  " + $0) })
            let busy = FaultMemory.leftovers(in: folder.leftovers).count { !$0.header.isOrphaned }
            let result = await worker.healLeftovers { $0.isOrphaned }
            await client.shutdown()
            for line in result.lines { terminal.line(line) }
            if busy > 0 { terminal.line("\(busy) faults belong to a drill that runs; it heals them itself") }
            if result.lines.isEmpty, busy == 0 { terminal.line("nothing to heal: no drill left anything behind") }
            return result.isClean ? 0 : 1
        } catch {
            return inconclusive(error.description)
        }
    }

    func inconclusive(_ text: String) -> Int32 {
        terminal.line(terminal.styled("holdfast drill: ", .bad) + text)
        return DrillResult.Verdict.inconclusive.exitCode
    }
}

extension Experiment.StackNeeds {
    /// For people: `2 of each, http providers, proxy`.
    var summary: String {
        let counts = Set(TargetSelector.services.map { replicas[$0] ?? 1 })
        var parts =
            counts.count == 1
            ? counts.filter { $0 > 1 }.map { "\($0) of each" }
            : replicas.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }
        if let providers { parts.append("\(providers) providers") }
        if needsProxy { parts.append("proxy") }
        return parts.joined(separator: ", ")
    }
}
