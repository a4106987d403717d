import Clocks
import Glibc
import LocalStack

/// A program that runs to its end, for what it writes.
enum Command {
    /// Returns what it wrote.
    ///
    /// - Throws: ``BenchError`` with its last lines when it fails or is not there.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws(BenchError) -> String {
        let output = "/tmp/holdfast-bench-\(getpid())-\(SystemRandom().next()).out"
        defer { Files.remove(output) }
        var launch = Launch(program, arguments, logFile: output)
        launch.environment = environment
        let process: ChildProcess
        do throws(ChildProcessError) { process = try await ChildProcess.start(launch) } catch {
            throw BenchError("\(error)")
        }
        guard let status = try? await process.exit() else {
            process.send(.kill, toGroup: true)
            throw BenchError("stopped")
        }
        let text = Files.text(output) ?? ""
        guard status.isSuccess else {
            let name = program.split(separator: "/").last ?? ""
            throw BenchError("\(name) \(status):\n    " + process.lastLines(6).joined(separator: "\n    "))
        }
        return text
    }
}
