import Clocks
import Glibc
import HTTPClient
import HTTPCodec

extension StackSupervisor {
    /// Starts the keepers of one stage; they are stopped together, before those of earlier stages.
    func keep(_ keepers: [(keeper: ProcessKeeper, first: ChildProcess?)]) {
        state.withLock { state in
            guard !state.isStopping else { return }
            state.stages.append(
                keepers.map { keeper, first in
                    Kept(keeper: keeper, task: Task.detached { await keeper.run(first: first) })
                })
        }
    }

    func observe(_ event: ProcessKeeper.Event, label: String) {
        switch event {
        case .started(let pid, let isRestart):
            if isRestart { console.line("holdfast: \(label) runs again (process \(pid))") }
        case .died(let status, let lines, let delay):
            console.line(
                "holdfast: \(label) \(status); starting it again in \(Self.text(delay)). Its last lines:")
            console.lines(lines.map { "    " + $0 })
        case .startFailed(let reason, let delay):
            console.line("holdfast: \(label) could not be started; trying again in \(Self.text(delay)): \(reason)")
        }
    }

    private static func text(_ delay: Duration) -> String {
        let tenths = delay.wholeMilliseconds / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }

    /// Notes the process id of a service that was started, and writes `stack.json` anew.
    func record(_ planned: PlannedService, pid: Int32, in folder: StackFolder) {
        state.withLock { state in
            let entry = StackFile.Process(
                name: planned.name, replica: planned.replica, pid: pid, api: planned.api,
                admin: planned.admin)
            if let index = state.processes.firstIndex(where: { $0.api == entry.api }) {
                state.processes[index] = entry
            } else {
                state.processes.append(entry)
                state.processes.sort { $0.api < $1.api }
            }
        }
        writeFile(in: folder)
    }

    /// Writes `stack.json` once every process in it has been started.
    func writeFile(in folder: StackFolder) {
        let failure = state.withLock { state -> FileError? in
            guard !state.isStopping, state.processes.count == plan.processes.count else { return nil }
            let file = StackFile(
                supervisor: getpid(), processes: state.processes, postgresPort: plan.postgresPort,
                brokerPort: plan.brokerPort, drills: state.drills)
            return file.write(to: folder.stackFile)
        }
        if let failure { console.line("holdfast: \(failure)") }
    }

    /// Waits until `check` finds nothing missing any more.
    func waitUntilReady(
        _ keeper: ProcessKeeper, log: String, check: () async -> String?
    ) async throws(StackError) {
        let limit = Duration.seconds(60)
        let deadline = time.now.advanced(by: limit)
        while let missing = await check() {
            if Task.isCancelled { throw .cancelled }
            if keeper.deaths >= 5 { throw .keepsDying(name: keeper.label, deaths: keeper.deaths, log: log) }
            guard time.now < deadline else {
                throw .notReadyInTime(name: keeper.label, seconds: limit.inSeconds, answer: missing, log: log)
            }
            guard (try? await time.sleep(for: .milliseconds(30))) != nil else { throw .cancelled }
        }
    }

    /// What the readiness probe says is missing; nil when the service is ready.
    static func readiness(_ client: HTTPClient, port: Int) async -> String? {
        let request = HTTPClientRequest(.get, url: "http://127.0.0.1:\(port)/health/ready")
        do throws(HTTPClientError) {
            let response = try await client.execute(request, deadline: SystemTime().now.advanced(by: .seconds(3)))
            return response.status.code == 200 ? nil : String(decoding: response.body, as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }
}
