/// Why a program could not be run.
package enum ChildProcessError: Error, Hashable, Sendable {
    /// There is no such program, neither at the path nor in `PATH`.
    case programNotFound(String)
    /// The system refused to start it.
    case startFailed(program: String, reason: String)
    /// Its log file cannot be written.
    case logNotWritable(path: String, reason: String)
}

extension ChildProcessError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .programNotFound(let name): "\(name) is not installed or not in PATH"
        case .startFailed(let program, let reason): "\(program) cannot be started: \(reason)"
        case .logNotWritable(let path, let reason): "the log file \(path) cannot be written: \(reason)"
        }
    }
}
