import Glibc

/// Why the journal cannot be used.
enum JournalError: Error, Hashable, Sendable {
    /// A system call failed.
    case system(action: String, path: String, code: Int32)
    /// Another process writes it.
    case inUse(path: String)
    /// A line that is not the last one cannot be read.
    case damaged(line: Int, detail: String)
    /// An earlier write failed: what is on disk is not known, so nothing more is promised.
    case failed
    /// The process is stopping.
    case closed
}

extension JournalError: CustomStringConvertible {
    var description: String {
        switch self {
        case .system(let action, let path, let code):
            "cannot \(action) \(path): \(String(cString: strerror(code)))"
        case .inUse(let path): "\(path) is written by another process: end that one, or choose another DATA_DIR"
        case .damaged(let line, let detail):
            "line \(line) of the journal cannot be read (\(detail)): restore the file, or remove it to begin anew"
        case .failed: "the journal could not be written; restart to see what of the last changes is kept"
        case .closed: "the journal is closed"
        }
    }
}
