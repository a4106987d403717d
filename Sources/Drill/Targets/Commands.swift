import Clocks
import LocalStack

/// Programs of the machine that are run to their end: psql, docker, kubectl.
enum Commands {
    /// Runs a program and returns what it wrote, standard output and error together.
    ///
    /// - Parameters:
    ///   - log: A file that is made for what it writes, and removed.
    /// - Throws: when it is missing, does not exit with 0, or has not ended after `limit` (it is then killed).
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], log: String,
        within limit: Duration, time: any TimeSource
    ) async throws(DrillError) -> String {
        let (exit, output) = try await outcome(
            program, arguments, environment: environment, log: log, within: limit, time: time)
        guard case .code(0) = exit else { throw DrillError("\(program) \(exit): \(output.suffix(500))") }
        return output
    }

    /// The same for a program whose exit status says something.
    static func outcome(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], log: String,
        within limit: Duration, time: any TimeSource
    ) async throws(DrillError) -> (exit: ChildExit, output: String) {
        var launch = Launch(program, arguments, logFile: log)
        launch.environment = environment
        defer { Files.remove(log) }
        let child: ChildProcess
        do throws(ChildProcessError) { child = try await ChildProcess.start(launch) } catch {
            throw DrillError("\(error)")
        }
        let ended = await Deadlines.first(within: limit, time: time) { try? await child.exit() }
        guard let ended = ended ?? nil else {
            await child.stop(with: .kill, patience: .seconds(1), time: time)
            throw DrillError("\(program) had not ended after \(limit.written)")
        }
        return (ended, Files.text(log) ?? "")
    }
}
