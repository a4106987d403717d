import Clocks
import LocalStack
import Synchronization

/// A `holdfast up` of the test's own, on free ports and with data of its own.
package struct TestStack: Sendable {
    package let process: ChildProcess
    package let options: StackOptions

    /// Starts it; ``waitUntilReady()`` tells when it can be used.
    ///
    /// It runs the programs built with the tests and gets `environment` besides the test's own. Samples are placed only
    /// when asked for with `HOLDFAST_SAMPLES=on` there.
    package static func start(
        _ options: StackOptions = StackOptions(), environment: [String: String] = [:]
    ) async throws -> TestStack {
        let folder = try await TestFolder.make("stack")
        var options = options
        if options.dataFolder == StackOptions().dataFolder { options.dataFolder = folder + "/data" }
        var arguments = ["up", "--data", options.dataFolder]
        arguments += ["--providers", options.providers.rawValue, "--broker", options.broker.rawValue]
        if options.allowsDrills { arguments.append("--drills") }
        if let programs = options.programFolder { arguments += ["--programs", programs] }
        for (service, count) in options.replicas { arguments += ["--replicas", "\(service.rawValue)=\(count)"] }
        for name in PortName.all {
            options.ports[name] = options.ports[name] ?? freePort(name, options)
            arguments += ["--port", "\(name.option)=\(options.port(name))"]
        }
        var launch = Launch(BuiltPrograms.path("holdfast"), arguments, logFile: folder + "/up.log")
        launch.environment = ["HOLDFAST_SAMPLES": "off"].merging(environment) { $1 }
        // An orderly end, so that a test that dies leaves a database that ends by itself.
        launch.deathSignal = .terminate
        return TestStack(process: try await ChildProcess.start(launch), options: options)
    }

    /// Ports that stacks of this process were given and may not have opened yet.
    private static let given = Mutex<Set<Int>>([])

    /// A port whose followers for further replicas are free too.
    private static func freePort(_ name: PortName, _ options: StackOptions) -> Int {
        if name == .faultProxy, options.allowsDrills, let row = Ports.freeRow(of: StackPlan(options).links.count + 1) {
            return row
        }
        let replicas = options.replicaCount(name)
        let taken = Set(options.ports.values)
        for _ in 0..<1000 {
            let first = Ports.anyFree()
            let ports = (0..<replicas).map { first + $0 * StackOptions.replicaPortDistance }
            let isOurs = given.withLock { given in
                guard given.isDisjoint(with: ports) else { return false }
                guard ports.allSatisfy({ $0 <= 65_535 && !taken.contains($0) && Ports.isFree($0) }) else {
                    return false
                }
                given.formUnion(ports)
                return true
            }
            if isOurs { return first }
        }
        return Ports.anyFree()
    }

    /// What it has printed.
    package var output: [String] { process.lastLines(200) }

    /// Waits for the line that says so.
    ///
    /// - Throws: ``Failure`` with its output when it ends instead, or takes longer than two minutes.
    package func waitUntilReady() async throws {
        try await wait(for: "holdfast: ready") { output.contains("holdfast: ready") }
    }

    /// What `stack.json` says now.
    package func file() throws -> StackFile {
        guard let bytes = Files.read(options.dataFolder + "/stack.json"), let file = StackFile(parsing: bytes) else {
            throw Failure(description: "there is no stack.json; the output was:\n" + output.joined(separator: "\n"))
        }
        return file
    }

    /// The process of a service.
    package func pid(_ service: ServiceName, replica: Int = 1) throws -> Int32 {
        let entry = try file().processes.first { $0.name == service.rawValue && $0.replica == replica }
        guard let entry else { throw Failure(description: "\(service.rawValue) \(replica) does not run") }
        return entry.pid
    }

    /// The beginning of its URLs: `http://127.0.0.1:8080`.
    package func api(_ service: ServiceName, replica: Int = 1) -> String {
        "http://127.0.0.1:\(options.port(.api(service), replica: replica))"
    }

    package func admin(_ service: ServiceName, replica: Int = 1) -> String {
        "http://127.0.0.1:\(options.port(.admin(service), replica: replica))"
    }

    /// Kills a service and waits until the supervisor has started another in its place.
    package func killAndAwaitRestart(_ service: ServiceName, replica: Int = 1) async throws {
        let victim = try pid(service, replica: replica)
        _ = try await ChildProcess.start(Launch("/bin/kill", ["-9", String(victim)])).exit()
        try await wait(for: "a new \(service.rawValue)") { try pid(service, replica: replica) != victim }
    }

    /// Stops it as Ctrl-C does.
    @discardableResult
    package func stop() async -> ChildExit {
        await process.stop(patience: .seconds(90))
    }

    /// Waits until a condition holds that no event tells of.
    private func wait(for what: String, _ condition: () throws -> Bool) async throws {
        let time = SystemTime()
        let deadline = time.now.advanced(by: .seconds(120))
        while try !condition() {
            guard process.ended == nil, time.now < deadline else {
                throw Failure(description: "no \(what); the output was:\n" + output.joined(separator: "\n"))
            }
            try await time.sleep(for: .milliseconds(10))
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }
}
