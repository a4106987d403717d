import Clocks
import Glibc
import LocalStack

/// A folder for what one test run leaves on disk. It goes when the test process ends, however it ends.
package enum TestFolder {
    private static let state = Task { () async throws -> String in
        let path = "/tmp/holdfast-tests-\(getpid())"
        try Files.makeDirectory(path)
        // Servers run under an account of their own and must be able to enter.
        chmod(path, 0o755)
        try await Cleaner.start(for: path)
        return path
    }

    /// The folder, made on first use.
    package static func path() async throws -> String {
        try await state.value
    }

    /// A new folder in it.
    package static func make(_ name: String) async throws -> String {
        let path = try await path() + "/\(name)-\(SystemRandom().next())"
        try Files.makeDirectory(path)
        return path
    }
}

/// A shell that waits for the end of this process, ends the stacks and the servers in the folder and removes it.
private enum Cleaner {
    /// A kill of this process reaches the shell as its death signal; the loops' bounds are 15 and five seconds. Stacks go
    /// first: they would start again whatever is ended under them.
    private static let script = """
        stacks() {
            for process in /proc/[0-9]*; do
                tr '\\0' ' ' <"$process/cmdline" 2>/dev/null | grep -qF " up --data $1/" && echo "${process#/proc/}"
            done
        }
        clean() {
            left=$(stacks "$1")
            [ -z "$left" ] || kill $left 2>/dev/null
            for _ in $(seq 75); do
                [ -n "$left" ] || break
                sleep 0.2
                left=$(stacks "$1")
            done
            [ -z "$left" ] || kill -KILL $left 2>/dev/null
            for lock in "$1"/*/data/postmaster.pid "$1"/*/data/postgres/data/postmaster.pid; do
                [ -e "$lock" ] || continue
                kill -QUIT "$(head -n 1 "$lock")" 2>/dev/null
                for _ in $(seq 250); do [ -e "$lock" ] || break; sleep 0.02; done
            done
            rm -rf "$1"
            kill "$waiting"
            exit 0
        }
        trap 'clean "$1"' TERM
        sleep infinity &
        waiting=$!
        wait
        """

    static func start(for folder: String) async throws {
        var launch = Launch("/bin/sh", ["-c", script, "holdfast-tests-cleaner", folder])
        launch.deathSignal = .terminate
        running = try await ChildProcess.start(launch)
        atexit(cleanUpNow)
    }

    // Set once, before the handler that reads it is registered.
    nonisolated(unsafe) private static var running: ChildProcess?

    /// An orderly end waits for the cleaning, so that whoever started the tests finds nothing left.
    private static let cleanUpNow: @convention(c) () -> Void = {
        guard let cleaner = Cleaner.running else { return }
        cleaner.send(.terminate)
        for _ in 0..<1250 where cleaner.ended == nil { usleep(20_000) }
    }
}
