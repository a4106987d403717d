import Clocks
import LocalStack

/// A stack of a drill's own: on free ports, with data of its own, gone afterwards.
struct DrillStack: Sendable {
    let process: ChildProcess
    let folder: String

    /// Starts it as the experiment needs it, and waits until it is ready.
    ///
    /// - Throws: with the end of its output when it does not become ready.
    static func start(
        for experiment: Experiment, in folder: String, programs: String?, time: any TimeSource
    ) async throws(DrillError) -> DrillStack {
        var options = StackOptions()
        for (name, count) in experiment.stack.replicas {
            if let service = ServiceName(rawValue: name) { options.replicas[service] = count }
        }
        var arguments = ["up", "--data", folder, "--no-samples"]
        if let providers = experiment.stack.providers { arguments += ["--providers", providers] }
        if experiment.stack.needsProxy { arguments.append("--drills") }
        options.allowsDrills = experiment.stack.needsProxy
        options.providers = experiment.stack.providers.flatMap(StackOptions.Providers.init) ?? .builtin
        if let programs { arguments += ["--programs", programs] }
        for (service, count) in options.replicas { arguments += ["--replicas", "\(service.rawValue)=\(count)"] }
        var taken: Set<Int> = []
        for name in PortName.all {
            // The links of fault-proxy follow its own port.
            let row =
                name == .faultProxy && options.allowsDrills
                ? Ports.freeRow(of: StackPlan(options).links.count + 1) : nil
            let port = row ?? freePort(replicas: options.replicaCount(name), taken: &taken)
            arguments += ["--port", "\(name.option)=\(port)"]
        }
        do throws(FileError) { try Files.makeDirectory(folder) } catch { throw DrillError("\(error)") }
        var launch = Launch(
            Files.canonical("/proc/self/exe") ?? "/proc/self/exe", arguments, logFile: folder + "/up.log")
        launch.environment = experiment.stack.environment
        launch.deathSignal = .terminate
        let process: ChildProcess
        do throws(ChildProcessError) { process = try await ChildProcess.start(launch) } catch {
            throw DrillError("the stack could not be started: \(error)")
        }
        let stack = DrillStack(process: process, folder: folder)
        let isReady = await Deadlines.wait(upTo: .seconds(180), every: .milliseconds(100), time: time) {
            process.ended != nil || process.lastLines(200).contains("holdfast: ready")
        }
        guard isReady, process.ended == nil else {
            let output = process.lastLines(12).joined(separator: "\n    ")
            await stack.stop()
            throw DrillError("the stack did not become ready:\n    " + output)
        }
        return stack
    }

    func stop() async { await process.stop(patience: .seconds(90)) }

    /// Removes its data; the logs stay where they are wanted.
    func forget(keepingLogsIn results: String?) {
        if let results {
            for name in Files.list(folder + "/logs") where !name.hasSuffix(".previous") {
                guard let content = Files.read(folder + "/logs/" + name) else { continue }
                _ = try? Files.makeDirectory(results + "/logs")
                _ = try? Files.replace(results + "/logs/" + name, with: content)
            }
        }
        if let folder = try? StackFolder(folder) { try? folder.reset() }
    }

    private static func freePort(replicas: Int, taken: inout Set<Int>) -> Int {
        for _ in 0..<1000 {
            let first = Ports.anyFree()
            let ports = (0..<replicas).map { first + $0 * StackOptions.replicaPortDistance }
            if ports.allSatisfy({ $0 <= 65_535 && !taken.contains($0) && Ports.isFree($0) }) {
                taken.formUnion(ports)
                return first
            }
        }
        return Ports.anyFree()
    }
}
