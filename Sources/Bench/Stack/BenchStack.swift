import Clocks
import LocalStack

/// A stack of the bench's own: release programs on free ports, with data of its own, gone afterwards.
struct BenchStack: Sendable {
    let process: ChildProcess
    let folder: String
    let options: StackOptions
    let store: Store

    /// Settings of Postgres' that counting takes.
    private static let counting = [
        "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_utility=off",
    ]

    /// Starts it and waits until all is ready.
    ///
    /// - Throws: ``BenchError`` with the end of its output when it does not become ready; nothing is left running then.
    static func start(
        _ bench: BenchOptions, replicas: Int, in folder: String, time: any TimeSource
    ) async throws(BenchError) -> BenchStack {
        var options = StackOptions()
        options.dataFolder = folder
        options.broker = bench.broker
        options.programFolder = bench.programFolder
        for service in ServiceName.allCases where replicas > 1 { options.replicas[service] = replicas }
        // Room for one more replica of each service, which the scenario start starts.
        var roomy = options
        for service in ServiceName.allCases { roomy.replicas[service] = replicas + 1 }
        options.ports = freePorts(roomy)
        let programs: PostgresPrograms
        do throws(PostgresServerError) { programs = try PostgresPrograms.find() } catch { throw BenchError("\(error)") }
        var arguments = ["up", "--data", folder, "--no-samples", "--broker", bench.broker.rawValue]
        if let programs = bench.programFolder { arguments += ["--programs", programs] }
        for (service, count) in options.replicas { arguments += ["--replicas", "\(service.rawValue)=\(count)"] }
        for (name, port) in options.ports { arguments += ["--port", "\(name.option)=\(port)"] }
        for setting in counting + bench.postgresSettings { arguments += ["--postgres", setting] }
        do throws(FileError) { try Files.makeDirectory(folder) } catch { throw BenchError("\(error)") }
        var launch = Launch(
            Files.canonical("/proc/self/exe") ?? "/proc/self/exe", arguments, logFile: folder + "/up.log")
        launch.environment = environment(bench)
        launch.deathSignal = .terminate
        let process: ChildProcess
        do throws(ChildProcessError) { process = try await ChildProcess.start(launch) } catch {
            throw BenchError("the stack could not be started: \(error)")
        }
        let stack = BenchStack(
            process: process, folder: folder, options: options,
            store: Store(port: options.port(.postgres), programs: programs.folder))
        let isReady = await Waiting.until(within: .seconds(120), every: .milliseconds(50), time: time) {
            process.ended != nil || process.lastLines(200).contains("holdfast: ready")
        }
        guard isReady, process.ended == nil else {
            let output = process.lastLines(12).joined(separator: "\n    ")
            await stack.stop()
            throw BenchError("the stack did not become ready:\n    " + output)
        }
        return stack
    }

    /// What the services get besides what the stack gives them.
    static func environment(_ bench: BenchOptions) -> [String: String] {
        // Goods that never leave would be followed up, order by order, in the middle of what is measured.
        var environment =
            bench.delivers ? [:] : ["BUILTIN_DISPATCH_SECONDS": "off", "FOLLOW_UP_SECONDS": "86400"]
        environment.merge(bench.environment) { $1 }
        return environment
    }

    func stop() async { await process.stop(patience: .seconds(90)) }

    /// Removes its data and logs.
    func forget() {
        if let folder = try? StackFolder(folder) { try? folder.reset() }
    }

    func url(_ service: ServiceName, replica: Int = 1) -> String {
        "http://127.0.0.1:\(options.port(.api(service), replica: replica))"
    }

    func urls(_ service: ServiceName) -> [String] {
        (1...options.replicaCount(service)).map { url(service, replica: $0) }
    }

    /// What the suite says on, by the documented names.
    private static let topics = [
        "inventory.commands", "payment.commands", "shipping.commands", "saga.replies", "order.events",
        "inventory.events", "payment.events", "shipping.events",
    ]

    /// How many messages the broker has taken so far; nil when it cannot be asked.
    func messageCount() async -> Int64? {
        let arguments = Self.topics.flatMap { ["--topic", $0] }
        let text = try? await Command.run(
            "\(programs)/message-tool",
            ["count", "--bootstrap", "127.0.0.1:\(options.port(.broker))"] + arguments)
        return text?.split(separator: "\n").last.flatMap { $0.split(separator: " ").last }.flatMap { Int64($0) }
    }

    /// The folder with the suite's programs.
    var programs: String {
        if let folder = options.programFolder { return folder }
        let own = Files.canonical("/proc/self/exe") ?? ""
        return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
    }

    /// Which process is which, now.
    func processes(in table: [Int32: ProcessUse]) throws(BenchError) -> StackProcesses {
        guard let bytes = Files.read(folder + "/stack.json"), let file = StackFile(parsing: bytes) else {
            throw BenchError("the stack has ended: \(process.lastLines(3).joined(separator: "; "))")
        }
        var found = StackProcesses(services: [:], load: ownID)
        for entry in file.processes where ServiceName(rawValue: entry.name) != nil {
            found.services[entry.replica == 1 ? entry.name : "\(entry.name)-\(entry.replica)"] = entry.pid
        }
        for (pid, use) in table where use.parent == process.pid {
            if use.name == "postgres" { found.postgres = pid }
            if ["dev-broker", "java"].contains(use.name) { found.broker = pid }
        }
        return found
    }

    private var ownID: Int32 { Files.canonical("/proc/self").flatMap { Int32($0.dropFirst("/proc/".count)) } ?? 0 }

    /// Ports that were free a moment ago, with room for the replicas at their distance.
    private static func freePorts(_ options: StackOptions) -> [PortName: Int] {
        var ports: [PortName: Int] = [:]
        var taken: Set<Int> = []
        for name in PortName.all {
            for _ in 0..<1000 {
                let first = Ports.anyFree()
                let row = (0..<options.replicaCount(name)).map { first + $0 * StackOptions.replicaPortDistance }
                guard row.allSatisfy({ $0 <= 65_535 && !taken.contains($0) && Ports.isFree($0) }) else { continue }
                taken.formUnion(row)
                ports[name] = first
                break
            }
        }
        return ports
    }
}

/// Waiting that ends.
enum Waiting {
    /// Asks `condition` every `interval` until it holds.
    ///
    /// - Returns: whether it held within `limit`; false when the task was cancelled.
    static func until(
        within limit: Duration, every interval: Duration, time: any TimeSource, _ condition: () async -> Bool
    ) async -> Bool {
        let deadline = time.now.advanced(by: limit)
        while true {
            if await condition() { return true }
            guard time.now < deadline, (try? await time.sleep(for: interval)) != nil else { return false }
        }
    }
}
