import Clocks
import Glibc

/// A private Postgres in a folder of its own: made on first use, carried on with afterwards.
///
/// Root cannot run it; then it runs under the account `postgres` (or `nobody`), which gets the folder.
/// It ends with this process, however this process ends.
package final class PostgresServer: Sendable {
    package let configuration: PostgresServerConfiguration
    package let process: ChildProcess
    private let programs: PostgresPrograms
    private let account: Account?

    private init(
        configuration: PostgresServerConfiguration, process: ChildProcess, programs: PostgresPrograms, account: Account?
    ) {
        self.configuration = configuration
        self.process = process
        self.programs = programs
        self.account = account
    }

    package static let host = "127.0.0.1"

    /// Makes the data folder if there is none, starts the server and returns when it takes connections.
    ///
    /// - Throws: `PostgresServerError`; nothing is left running then.
    package static func start(
        _ configuration: PostgresServerConfiguration, time: any TimeSource = SystemTime()
    ) async throws(PostgresServerError) -> PostgresServer {
        let programs = try PostgresPrograms.find()
        let account = try serverAccount()
        guard Ports.isFree(configuration.port) else { throw .portTaken(configuration.port) }
        try prepareFolder(configuration, account: account)
        if !Files.exists(configuration.dataFolder + "/PG_VERSION") {
            try await initialise(configuration, programs: programs, account: account)
        }
        try removeStaleLock(configuration)
        var launch = Launch(
            programs.path("postgres"),
            ["-D", configuration.dataFolder] + configuration.settings.flatMap { ["-c", $0] },
            logFile: configuration.logFile)
        launch.account = account
        launch.directory = configuration.folder
        // An immediate shutdown: it leaves no shared memory behind and repairs itself at the next start.
        launch.deathSignal = .quit
        let deadline = time.now.advanced(by: configuration.startDeadline)
        while true {
            let process = try await run(launch)
            let server = PostgresServer(
                configuration: configuration, process: process, programs: programs, account: account)
            do throws(PostgresServerError) {
                try await server.waitUntilReady(time: time)
                return server
            } catch {
                await process.stop(with: .quit, patience: .seconds(2), time: time)
                // After a kill the server's children live on for a moment, and with them its shared memory.
                let isHeldByOrphans = error.description.contains("pre-existing shared memory block")
                guard isHeldByOrphans, time.now < deadline, (try? await time.sleep(for: .milliseconds(100))) != nil
                else { throw error }
                try removeStaleLock(configuration)
            }
        }
    }

    /// Creates the databases that do not exist yet.
    package func createDatabases(_ names: [String]) async throws(PostgresServerError) {
        let existing = try await sql("SELECT datname FROM pg_database")
        let missing = Set(names).subtracting(existing.split(separator: "\n").map(String.init))
        for name in missing.sorted() {
            try await createDatabase(name)
        }
    }

    /// Creates one database, which must not exist.
    package func createDatabase(_ name: String) async throws(PostgresServerError) {
        // template1 must have no other session while it is copied; template0 never has one.
        _ = try await sql("CREATE DATABASE \(Self.quoted(name)) TEMPLATE template0")
    }

    /// Drops a database and the sessions in it; nothing happens when there is none.
    package func dropDatabase(_ name: String) async throws(PostgresServerError) {
        _ = try await sql("DROP DATABASE IF EXISTS \(Self.quoted(name)) WITH (FORCE)")
    }

    /// Runs one statement with `psql` and returns its rows as text, columns divided by tabs.
    package func sql(_ statement: String, in database: String = "postgres") async throws(PostgresServerError) -> String
    {
        let output = "\(configuration.folder)/psql-\(getpid())-\(SystemRandom().next()).out"
        defer { Files.remove(output) }
        let arguments = [
            "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", Self.host,
            "-p", String(configuration.port), "-U", configuration.user, "-d", database, "-c", statement,
        ]
        var launch = Launch(programs.path("psql"), arguments, logFile: output)
        launch.environment["PGCONNECT_TIMEOUT"] = "10"
        let process = try await Self.run(launch)
        guard let status = try? await process.exit() else {
            process.send(.kill)
            throw .cancelled
        }
        guard status.isSuccess else { throw .failed(step: "`\(statement)`", lines: process.lastLines()) }
        return Files.text(output) ?? ""
    }

    /// Ends all sessions and stops; after `patience` it is killed, which costs a recovery at the next start.
    package func stop(patience: Duration = .seconds(15), time: any TimeSource = SystemTime()) async {
        await process.stop(with: .interrupt, patience: patience, time: time)
    }

    /// Ends at once, as a crash would.
    package func kill() async {
        process.send(.kill)
        _ = await Task { try await self.process.exit() }.result
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

extension PostgresServer {
    private static func run(_ launch: Launch) async throws(PostgresServerError) -> ChildProcess {
        do throws(ChildProcessError) {
            return try await ChildProcess.start(launch)
        } catch {
            throw .process(error)
        }
    }

    /// The account the server runs under; nil means our own.
    private static func serverAccount() throws(PostgresServerError) -> Account? {
        guard Account.isRoot else { return nil }
        guard let account = Account(named: "postgres") ?? Account(named: "nobody") else { throw .noAccount }
        return account
    }

    private static func prepareFolder(
        _ configuration: PostgresServerConfiguration, account: Account?
    ) throws(PostgresServerError) {
        do throws(FileError) {
            try Files.makeDirectory(configuration.folder)
            guard let account else { return }
            // The folder may be in /var/tmp, where anybody could have put a link in its place.
            var status = stat()
            let isOurs =
                lstat(configuration.folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
                && (status.st_uid == 0 || status.st_uid == account.user)
            if !isOurs { errno = EPERM }
            guard isOurs, lchown(configuration.folder, account.user, account.group) == 0 else {
                throw FileError("give to \(account.name) the folder", configuration.folder)
            }
        } catch {
            throw .file(error)
        }
    }

    private static func initialise(
        _ configuration: PostgresServerConfiguration, programs: PostgresPrograms, account: Account?
    ) async throws(PostgresServerError) {
        // Made aside and renamed, so that an interrupted first start leaves nothing half made.
        let unfinished = configuration.dataFolder + ".unfinished"
        Files.removeTree(unfinished)
        var arguments = [
            "-D", unfinished, "-U", configuration.user, "--auth=trust", "--encoding=UTF8", "--no-locale",
        ]
        if !configuration.isDurable { arguments.append("--no-sync") }
        var launch = Launch(programs.path("initdb"), arguments, logFile: configuration.folder + "/initdb.log")
        launch.account = account
        launch.directory = configuration.folder
        let process = try await run(launch)
        guard let status = try? await process.exit() else {
            process.send(.kill, toGroup: true)
            throw .cancelled
        }
        guard status.isSuccess else { throw .failed(step: "initdb", lines: process.lastLines()) }
        guard rename(unfinished, configuration.dataFolder) == 0 else {
            throw .file(FileError("make the folder", configuration.dataFolder))
        }
    }

    /// A killed server leaves its lock file; should its process id have gone to another program of the same
    /// account, Postgres would refuse to start.
    private static func removeStaleLock(_ configuration: PostgresServerConfiguration) throws(PostgresServerError) {
        let path = configuration.dataFolder + "/postmaster.pid"
        guard let first = Files.text(path)?.split(separator: "\n").first else { return }
        if let pid = Int32(first), Files.canonical("/proc/\(pid)/cwd") == Files.canonical(configuration.dataFolder) {
            throw .alreadyRunning(folder: configuration.folder, pid: pid)
        }
        Files.remove(path)
    }

    /// The server writes its state as the eighth line of its lock file; it offers no other event.
    private func waitUntilReady(time: any TimeSource) async throws(PostgresServerError) {
        let deadline = time.now.advanced(by: configuration.startDeadline)
        let lockFile = configuration.dataFolder + "/postmaster.pid"
        while true {
            if process.ended != nil { throw .failed(step: "the start", lines: process.lastLines()) }
            let lines = Files.text(lockFile)?.split(separator: "\n", omittingEmptySubsequences: false) ?? []
            if lines.first == "\(process.pid)", lines.count > 7, lines[7].hasPrefix("ready") { return }
            guard time.now < deadline else {
                throw .notReadyInTime(seconds: configuration.startDeadline.inSeconds, lines: process.lastLines())
            }
            guard (try? await time.sleep(for: .milliseconds(20))) != nil else { throw .cancelled }
        }
    }
}
