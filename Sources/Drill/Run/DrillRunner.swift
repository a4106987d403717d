import Clocks
import Glibc
import HTTPClient
import Invariants
import LocalStack

/// Runs one experiment on a stack that is there, and gives its result whatever happens.
package final class DrillRunner: Sendable {
    package struct Setup: Sendable {
        package var experiment: Experiment
        package var seed: UInt64
        package var stackFolder: String
        /// Where history, journal and report go; made when it is missing.
        package var resultFolder: String
        /// The command that does the same again.
        package var replay: String

        package init(
            experiment: Experiment, seed: UInt64, stackFolder: String, resultFolder: String, replay: String
        ) {
            self.experiment = experiment
            self.seed = seed
            self.stackFolder = stackFolder
            self.resultFolder = resultFolder
            self.replay = replay
        }
    }

    let setup: Setup
    let terminal: Terminal
    let time: any TimeSource

    package init(_ setup: Setup, terminal: Terminal, time: any TimeSource = SystemTime()) {
        self.setup = setup
        self.terminal = terminal
        self.time = time
    }

    /// Runs it. Cancelling the task ends it early: the faults are healed all the same, and the result is inconclusive.
    package func run() async -> DrillResult {
        let begin = time.now
        let experiment = setup.experiment
        var result = DrillResult(experiment: experiment, seed: setup.seed, startedAt: time.wallNow)
        result.replay = setup.replay
        result.folder = setup.resultFolder
        terminal.line(
            terminal.styled("drill \(experiment.name)", .bold) + "  " + experiment.title
                + terminal.styled("  seed \(setup.seed)", .dim))
        do throws(DrillError) {
            let folder = try DrillFolder(stackFolder: setup.stackFolder)
            let lock = try folder.lock()
            defer { lock.release() }
            do throws(FileError) { try Files.makeDirectory(setup.resultFolder) } catch { throw DrillError("\(error)") }
            Files.remove(folder.stopFile)
            try await run(in: folder, begin: begin, into: &result)
        } catch {
            result.verdict = .inconclusive
            result.reason = error.description
        }
        result.seconds = begin.duration(to: time.now).inSeconds
        return result
    }

    private func run(
        in folder: DrillFolder, begin: MonotonicInstant, into result: inout DrillResult
    ) async throws(DrillError) {
        let view = StackView(folder: folder.stackFolder)
        let client = SuiteClient(view: view, time: time)
        do throws(DrillError) {
            let run = try DrillRun(setup, folder: folder, client: client, begin: begin, terminal: terminal, time: time)
            try await run.execute(into: &result)
        } catch {
            await client.client.shutdown()
            throw error
        }
        await client.client.shutdown()
    }
}
