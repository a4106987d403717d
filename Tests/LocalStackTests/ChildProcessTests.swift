import Clocks
import Glibc
import LocalStack
import TestSupport
import Testing

@Suite("Child processes")
struct ChildProcessTests {
    private func shell(_ script: String, name: String = #function) async throws -> Launch {
        Launch("/bin/sh", ["-c", script], logFile: try await TestFolder.make("child") + "/child.log")
    }

    @Test("the exit code arrives")
    func exitCode() async throws {
        let child = try await ChildProcess.start(shell("exit 3"))
        #expect(try await child.exit() == .code(3))
        #expect(child.ended == .code(3))
        #expect("\(ChildExit.code(3))" == "exited with code 3")
    }

    @Test("a child killed by a signal says which")
    func killed() async throws {
        let child = try await ChildProcess.start(shell("sleep 60"))
        child.send(.kill, toGroup: true)
        let status = try await child.exit()
        #expect(status == .signal(9))
        #expect("\(status)" == "was killed by signal 9 (SIGKILL)")
    }

    @Test("standard output and standard error end in the log, and the tail is its last lines")
    func log() async throws {
        let child = try await ChildProcess.start(shell("seq 1 100; echo trouble >&2"))
        _ = try await child.exit()
        #expect(child.lastLines(3) == ["99", "100", "trouble"])
    }

    @Test("the environment is ours plus what the launch adds")
    func environment() async throws {
        var launch = try await shell("echo \"$COLOUR|$EMPTY|${PATH:+path}\"; pwd")
        launch.environment = ["COLOUR": "blue = green", "EMPTY": ""]
        launch.directory = "/usr"
        let child = try await ChildProcess.start(launch)
        _ = try await child.exit()
        #expect(child.lastLines() == ["blue = green||path", "/usr"])
    }

    @Test("a variable that is withheld does not reach the child")
    func withheld() async throws {
        var launch = try await shell("echo \"[$PATH_OF_NOTHING][$HOME]\"")
        launch.environment = ["PATH_OF_NOTHING": "given"]
        launch.withheld = ["HOME", "PATH_OF_NOTHING"]
        let child = try await ChildProcess.start(launch)
        _ = try await child.exit()
        #expect(child.lastLines() == ["[given][]"])
    }

    @Test("no descriptor of ours reaches the child")
    func descriptors() async throws {
        // 3 is the descriptor with which ls reads the folder.
        let child = try await ChildProcess.start(shell("ls /proc/self/fd"))
        _ = try await child.exit()
        #expect(child.lastLines() == ["0", "1", "2", "3"])
    }

    @Test("a child is in a process group of its own, so that Ctrl-C reaches only the supervisor")
    func processGroup() async throws {
        let child = try await ChildProcess.start(shell("cut -d' ' -f5 /proc/$$/stat"))
        _ = try await child.exit()
        #expect(child.lastLines() == ["\(child.pid)"])
    }

    @Test("stop asks first and lets the child end in its own way")
    func stopAsks() async throws {
        let child = try await ChildProcess.start(
            shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done"))
        try await waitForLine("up", of: child)
        #expect(await child.stop(patience: .seconds(20)) == .code(7))
        #expect(child.lastLines().last == "bye")
    }

    @Test("stop kills the whole group of a child that does not listen")
    func stopKills() async throws {
        let child = try await ChildProcess.start(
            shell("trap '' TERM; sleep 60 & echo $!; while :; do sleep 0.01; done"))
        let grandchild = try await waitForLine(of: child)
        let time = TestTime()
        async let status = child.stop(patience: .seconds(10), time: time)
        time.advance(to: try await time.nextTimerScheduled())
        #expect(await status == .signal(9))
        #expect(try await isGone(pid: grandchild))
    }

    @Test("a program that does not exist is named")
    func missing() async throws {
        await #expect(throws: ChildProcessError.programNotFound("no-such-program")) {
            try await ChildProcess.start(Launch("no-such-program"))
        }
    }

    @Test("a signal after the end goes nowhere")
    func signalAfterEnd() async throws {
        let child = try await ChildProcess.start(shell("exit 0"))
        _ = try await child.exit()
        child.send(.kill)
        #expect(await child.stop(patience: .seconds(1)) == .code(0))
    }

    @Test("waiting for the exit can be cancelled and leaves the child alone")
    func cancelledWait() async throws {
        let child = try await ChildProcess.start(shell("sleep 60"))
        let waiting = Task { try await child.exit() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(child.ended == nil)
        await child.stop(with: .kill, patience: .seconds(5))
    }

    @Test("what a child leaves in its process group ends with it")
    func leftovers() async throws {
        let child = try await ChildProcess.start(shell("sleep 60 & echo $!"))
        _ = try await child.exit()
        #expect(try await isGone(pid: child.lastLines()[0]))
    }

    @Test("children die when the process that started them is killed")
    func deathOfTheParent() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let log = ChildProcessTests.sharedLog(of: getppid())
            let child = try await ChildProcess.start(Launch("/bin/sh", ["-c", "echo $$; exec sleep 60"], logFile: log))
            try await waitForLine(of: child)
            kill(getpid(), SIGKILL)
        }
        let pid = try #require(LogTail.lines(of: Self.sharedLog(of: getpid()), count: 1).first)
        #expect(try await isGone(pid: pid))
        Files.remove(Self.sharedLog(of: getpid()))
    }

    /// A log both this process and the one of the exit test can name.
    fileprivate static func sharedLog(of process: Int32) -> String { "/tmp/holdfast-orphan-\(process).log" }
}

/// Waits until the child's log has a line, or that line, and returns the last one.
@discardableResult
func waitForLine(_ line: String? = nil, of child: ChildProcess) async throws -> String {
    for _ in 0..<2000 {
        let lines = child.lastLines()
        if let last = lines.last, line == nil || lines.contains(line ?? "") { return last }
        try await SystemTime().sleep(for: .milliseconds(5))
    }
    throw WaitedTooLong(what: line ?? "a line")
}

/// Whether the process ends within ten seconds; one that is dead but not yet reaped has ended.
func isGone(pid: String) async throws -> Bool {
    for _ in 0..<2000 {
        guard let status = Files.text("/proc/\(pid)/stat") else { return true }
        if status.split(separator: ")").last?.hasPrefix(" Z") == true { return true }
        try await SystemTime().sleep(for: .milliseconds(5))
    }
    return false
}

struct WaitedTooLong: Error {
    var what: String
}
