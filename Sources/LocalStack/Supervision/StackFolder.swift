import Clocks
import Glibc

/// The folder of a stack: data, logs, `stack.json`, and the lock that keeps it to one supervisor.
package struct StackFolder: Sendable {
    /// Absolute.
    package let path: String

    /// Takes a path relative to the working directory, or an absolute one, and makes the folder when it is missing.
    ///
    /// - Throws: `FileError` when it cannot be made.
    package init(_ path: String) throws(FileError) {
        try Files.makeDirectory(path)
        guard let absolute = Files.canonical(path) else { throw FileError("find", path) }
        self.path = absolute
    }

    package var stackFile: String { path + "/stack.json" }
    package var logFolder: String { path + "/logs" }
    /// What ``ChildControl`` looks at.
    package var controlFolder: String { path + "/control" }
    /// Where Apache Kafka keeps its data and settings.
    package var brokerFolder: String { path + "/kafka" }

    /// What provider-simulator signs its webhooks with, and the services check.
    package var webhookSecretFile: String { "\(path)/\(StackPlan.webhookSecretName)" }

    /// Makes the secret unless there is one; only this account may read it.
    package func makeWebhookSecret(_ random: some RandomSource) throws(FileError) {
        guard Files.read(webhookSecretFile)?.isEmpty ?? true else { return }
        let words = (0..<4).map { _ in String(random.next(), radix: 16) }
        try Files.replace(webhookSecretFile, with: Array((words.joined(separator: "-") + "\n").utf8), mode: 0o600)
    }

    package func logFile(_ label: String) -> String { "\(logFolder)/\(label).log" }

    /// Keeps the logs of the last run as `….previous`, so that the tail of a log is of this run.
    package func rotateLogs() throws(FileError) {
        try Files.makeDirectory(logFolder)
        for name in Files.list(logFolder) where name.hasSuffix(".log") {
            rename("\(logFolder)/\(name)", "\(logFolder)/\(name).previous")
        }
    }

    /// Where Postgres keeps its data: in here, unless its account may not enter, as below a home closed to others.
    /// Then it is a folder in /var/tmp whose name follows from this one's, and which only that account may read.
    package func postgresFolder(for account: Account?) -> String {
        guard let account, !account.canEnter(path) else { return path + "/postgres" }
        return elsewhere
    }

    private var elsewhere: String {
        // FNV-1a: the name must be the same in each run, which Hasher's values are not.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return "/var/tmp/holdfast-postgres-\(String(hash, radix: 16))"
    }

    /// Takes the folder for this process; the lock goes with the process, however it ends.
    ///
    /// - Throws: `StackError.alreadyRunning` when another process has it.
    package func lock() throws(StackError) -> StackLock {
        let file = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .file(FileError("open", path + "/lock")) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            let supervisor = Files.text(path + "/lock").flatMap { $0.split(separator: "\n").first.map(String.init) }
            throw .alreadyRunning(folder: path, supervisor: supervisor)
        }
        ftruncate(file, 0)
        let pid = Array("\(getpid())\n".utf8)
        _ = write(file, pid, pid.count)
        return StackLock(file: file)
    }

    /// Forgets all data and logs.
    ///
    /// - Throws: `StackError.alreadyRunning` while a stack runs in it.
    package func reset() throws(StackError) {
        let lock = try lock()
        Files.removeTree(elsewhere)
        Files.removeTree(path)
        lock.release()
    }
}

/// Holds a stack's folder until it is released or the process ends.
package struct StackLock: Sendable {
    fileprivate let file: Int32

    package func release() {
        // Closing alone would leave the lock to a child that is just being started and has not closed its copy yet.
        flock(file, LOCK_UN)
        close(file)
    }
}

extension Account {
    /// Whether the account may pass through the folder and all above it.
    package func canEnter(_ path: String) -> Bool {
        var partial = ""
        for part in path.split(separator: "/") {
            partial += "/" + part
            var status = stat()
            guard stat(partial, &status) == 0 else { return false }
            let bit: UInt32 = status.st_uid == user ? 0o100 : status.st_gid == group ? 0o010 : 0o001
            guard status.st_mode & bit != 0 else { return false }
        }
        return true
    }
}
