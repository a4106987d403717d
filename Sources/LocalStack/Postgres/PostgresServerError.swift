/// Why there is no Postgres.
package enum PostgresServerError: Error, Sendable {
    /// No `initdb` and `postgres` on this machine.
    case notInstalled
    /// Root cannot run a server, and there is no account to run it under.
    case noAccount
    /// Another server works on the same folder.
    case alreadyRunning(folder: String, pid: Int32)
    case portTaken(Int)
    /// A step failed; the last lines of what it wrote say why.
    case failed(step: String, lines: [String])
    case notReadyInTime(seconds: Double, lines: [String])
    case file(FileError)
    case process(ChildProcessError)
    case cancelled
}

extension PostgresServerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notInstalled:
            "Postgres is not installed: looked for initdb in /usr/lib/postgresql/*/bin and PATH (run scripts/bootstrap)"
        case .noAccount:
            "Postgres refuses to run as root, and there is neither an account `postgres` nor `nobody` to run it under"
        case .alreadyRunning(let folder, let pid):
            "a Postgres with process id \(pid) already works on \(folder): stop it first (kill -INT \(pid))"
        case .portTaken(let port):
            "port \(port), wanted for Postgres, is taken by another program"
        case .failed(let step, let lines):
            (["Postgres: \(step) failed"] + lines).joined(separator: "\n    ")
        case .notReadyInTime(let seconds, let lines):
            (["Postgres was not ready after \(seconds) s"] + lines).joined(separator: "\n    ")
        case .file(let error): error.description
        case .process(let error): error.description
        case .cancelled: "starting Postgres was cancelled"
        }
    }
}
