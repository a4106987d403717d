import CLinux
import Clocks
import Glibc
import Synchronization

/// A running program: started in its own process group, logged to a file, waited for without polling.
///
/// One thread starts the program and then waits for it. The kernel ties the death signal to the thread that
/// started a child, so this thread must live exactly as long as the child, and does. When this process dies,
/// however it dies, the child gets its death signal.
package final class ChildProcess: Sendable {
    package let pid: Int32
    package let launch: Launch
    private let exitStatus: OneShot<ChildExit>
    private let reaped: Reaped

    /// Whether the process id may still be signalled: false from before the kernel may give it to another process.
    private final class Reaped: Sendable {
        let isReaped = Mutex(false)
    }

    private init(pid: Int32, launch: Launch, exitStatus: OneShot<ChildExit>, reaped: Reaped) {
        self.pid = pid
        self.launch = launch
        self.exitStatus = exitStatus
        self.reaped = reaped
    }

    /// Starts a program; returns once the system has accepted it.
    ///
    /// - Throws: `ChildProcessError` when the program is missing, or cannot be started or logged.
    package static func start(_ launch: Launch) async throws(ChildProcessError) -> ChildProcess {
        let command = try SpawnCommand(launch)
        let started = OneShot<Result<Int32, ChildProcessError>>()
        let exitStatus = OneShot<ChildExit>()
        let reaped = Reaped()
        Threads.detach { @Sendable in
            do throws(ChildProcessError) {
                let pid = try command.spawn()
                started.fulfil(.success(pid))
                exitStatus.fulfil(awaitExit(of: pid, reaped: reaped))
            } catch {
                started.fulfil(.failure(error))
            }
        }
        // Spawning takes about a millisecond; leaving early would leave a child nobody knows.
        let outcome = await Task { try await started.wait() }.result
        guard case .success(let result) = outcome else {
            throw .startFailed(program: launch.program, reason: "the starting thread gave no answer")
        }
        return ChildProcess(pid: try result.get(), launch: launch, exitStatus: exitStatus, reaped: reaped)
    }

    /// Waits with the child still a zombie; then ends what it left in its process group, closes the door for
    /// signals, and frees its process id.
    private static func awaitExit(of pid: Int32, reaped: Reaped) -> ChildExit {
        var information = siginfo_t()
        while waitid(P_PID, UInt32(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return reaped.isReaped.withLock { isReaped in
            isReaped = true
            kill(-pid, SIGKILL)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            return ChildExit(waitStatus: status)
        }
    }

    /// How it ended; nil while it runs.
    package var ended: ChildExit? { exitStatus.current }

    /// Waits for the end.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first; the child runs on.
    package func exit() async throws -> ChildExit {
        try await exitStatus.wait()
    }

    /// Sends a signal to the child alone, or to its whole process group; nothing happens after its end.
    package func send(_ signal: ChildSignal, toGroup: Bool = false) {
        reaped.isReaped.withLock { isReaped in
            guard !isReaped else { return }
            kill(toGroup ? -pid : pid, signal.number)
        }
    }

    /// Asks the child to end, kills its process group when it has not after `patience`, and waits for the end.
    ///
    /// Runs to its end even when the task is cancelled.
    @discardableResult
    package func stop(
        with signal: ChildSignal = .terminate, patience: Duration, time: any TimeSource = SystemTime()
    ) async -> ChildExit {
        send(signal)
        let ending = Task {
            await withTaskGroup(of: ChildExit?.self) { group in
                group.addTask { try? await self.exit() }
                group.addTask {
                    try? await time.sleep(for: patience)
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
        }
        if let status = await ending.value { return status }
        send(.kill, toGroup: true)
        let killed = await Task { try await self.exit() }.result
        return (try? killed.get()) ?? .signal(ChildSignal.kill.number)
    }

    /// The last lines it wrote, oldest first.
    package func lastLines(_ count: Int = 20) -> [String] {
        LogTail.lines(of: launch.logFile, count: count)
    }
}

/// The end of a log file.
package enum LogTail {
    private static let window = 16 * 1024

    package static func lines(of path: String, count: Int) -> [String] {
        guard path != "/dev/null", let bytes = Files.readTail(path, atMost: window) else { return [] }
        let lines = bytes.split(separator: UInt8(ascii: "\n")).suffix(count)
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }
}
