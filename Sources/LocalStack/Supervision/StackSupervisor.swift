import Clocks
import Synchronization

/// Runs the whole stack on one machine: a private Postgres, a broker and the services.
package final class StackSupervisor: Sendable {
    let options: StackOptions
    let plan: StackPlan
    let console: Console
    let time: any TimeSource
    let state = Mutex(State())

    struct State {
        /// What was started, in that order; stopped in the reverse order.
        var stages: [[Kept]] = []
        var processes: [StackFile.Process] = []
        var drills: StackFile.Drills?
        var isStopping = false
    }

    struct Kept: Sendable {
        var keeper: ProcessKeeper
        var task: Task<Void, Never>
    }

    package init(options: StackOptions, console: Console, time: any TimeSource = SystemTime()) {
        self.options = options
        plan = StackPlan(options)
        self.console = console
        self.time = time
    }

    /// Brings the stack up, keeps it until the task is cancelled, then stops all of it.
    ///
    /// - Returns: the exit code: 0 when it was up and was stopped, 1 when it could not be brought up.
    package func run() async -> Int32 {
        var code: Int32 = 0
        do throws(StackError) {
            let folder = try openFolder()
            let lock = try folder.lock()
            defer { lock.release() }
            do throws(StackError) {
                try await bringUp(in: folder)
                console.line("holdfast: ready")
                await untilCancelled()
                console.line("holdfast: stopping")
            } catch {
                report(error)
                code = 1
            }
            await stop(folder)
        } catch {
            report(error)
            code = 1
        }
        return code
    }

    /// Kills every child at once; for the impatient second signal.
    package func kill() {
        let stages = state.withLock { state in
            state.isStopping = true
            return state.stages
        }
        for kept in stages.reversed().joined() { kept.keeper.kill() }
        if let folder = try? StackFolder(options.dataFolder) { Files.remove(folder.stackFile) }
    }

    private func report(_ error: StackError) {
        if case .cancelled = error { return console.line("holdfast: \(error)") }
        console.line("holdfast: cannot start: \(error)")
    }

    private func untilCancelled() async {
        _ = try? await OneShot<Void>().wait()
    }

    private func openFolder() throws(StackError) -> StackFolder {
        do throws(FileError) {
            return try StackFolder(options.dataFolder)
        } catch {
            throw .file(error)
        }
    }

    private func stop(_ folder: StackFolder) async {
        let stages = state.withLock { state in
            state.isStopping = true
            return state.stages
        }
        Files.remove(folder.stackFile)
        // In the reverse order of starting, also when this task is cancelled: that is how it is told to stop.
        for stage in stages.reversed() {
            for kept in stage { kept.task.cancel() }
            for kept in stage { await kept.task.value }
        }
        if !stages.isEmpty { console.line("holdfast: all stopped") }
    }
}
