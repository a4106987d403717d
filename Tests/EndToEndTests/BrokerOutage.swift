import Clocks
import LocalStack
import TestSupport

/// Stops a stack's broker without the supervisor starting another in its place, and lets it do so again.
struct BrokerOutage: Sendable {
    private let stack: TestStack

    init(_ stack: TestStack) {
        self.stack = stack
    }

    /// Kills the broker while the supervisor is held still, until ``end()``.
    func begin() async throws {
        let broker = try brokerPID()
        stack.process.send(.stop)
        try await kill(broker)
    }

    /// The supervisor goes on, finds the broker dead and starts another, which knows nothing.
    func end() {
        stack.process.send(.resume)
    }

    /// Kills the broker; the supervisor starts another at once.
    func forget() async throws {
        try await kill(try brokerPID())
    }

    /// Kills a process of the stack; during an outage nobody starts another in its place.
    func kill(_ pid: Int32) async throws {
        try await send("KILL", to: pid)
    }

    /// Sends a process of the stack a signal by its name, such as `STOP`.
    func send(_ signal: String, to pid: Int32) async throws {
        _ = try await ChildProcess.start(Launch("/bin/kill", ["-\(signal)", String(pid)])).exit()
    }

    /// The supervisor's child that is the broker.
    private func brokerPID() throws -> Int32 {
        let supervisor = stack.process.pid
        for task in Files.list("/proc/\(supervisor)/task") {
            let children = Files.text("/proc/\(supervisor)/task/\(task)/children") ?? ""
            for child in children.split(separator: " ").compactMap({ Int32($0) }) {
                if Files.text("/proc/\(child)/cmdline")?.contains("dev-broker") == true { return child }
            }
        }
        throw StackClientError(description: "the broker's process is not found")
    }
}
