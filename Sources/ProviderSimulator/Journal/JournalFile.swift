import Glibc

/// The journal's file, held by this process alone. Its calls block.
struct JournalFile: ~Copyable, Sendable {
    private let descriptor: Int32
    private let path: String

    static let name = "ledger.jsonl"

    /// Opens the file in the folder, makes both where they are missing, and locks the file until the process ends.
    ///
    /// - Throws: ``JournalError/inUse(path:)`` when another process has it.
    init(folder: String) throws(JournalError) {
        let path = folder + "/" + Self.name
        self.init(descriptor: try Self.open(path, in: folder), path: path)
    }

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Brings the ledger back and cuts off a torn last line.
    borrowing func replay(into ledger: Ledger) throws(JournalError) -> (ledger: Ledger, lines: Int, tornBytes: Int) {
        var replay = JournalText.Replay(into: ledger)
        var offset: off_t = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, offset)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(action: "read", path: path, code: errno) }
            guard count > 0 else { break }
            try replay.read(buffer[..<count])
            offset += off_t(count)
        }
        let (restored, torn) = try replay.finish()
        if torn > 0 { try truncate(to: replay.goodBytes) }
        return (restored, replay.lines, torn)
    }

    /// Appends and returns once the disk has it.
    borrowing func append(_ bytes: [UInt8]) throws(JournalError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(action: "write", path: path, code: errno) }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw .system(action: "flush", path: path, code: errno) }
    }

    /// Drops everything behind `length`.
    borrowing func truncate(to length: Int) throws(JournalError) {
        guard ftruncate(descriptor, off_t(length)) == 0, fsync(descriptor) == 0
        else { throw .system(action: "shorten", path: path, code: errno) }
    }

    private static func open(_ path: String, in folder: String) throws(JournalError) -> Int32 {
        try makeFolder(folder)
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(action: "open", path: path, code: errno) }
        do throws(JournalError) {
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let code = errno
                throw code == EWOULDBLOCK ? .inUse(path: path) : .system(action: "lock", path: path, code: code)
            }
            try syncFolder(folder)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func makeFolder(_ folder: String) throws(JournalError) {
        var partial = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            partial += (partial.isEmpty || partial == "/" ? "" : "/") + part
            guard mkdir(partial, 0o700) == 0 || errno == EEXIST
            else { throw .system(action: "make the folder", path: partial, code: errno) }
        }
    }

    /// A new file is there after a crash only once its folder is on disk.
    private static func syncFolder(_ folder: String) throws(JournalError) {
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(action: "open", path: folder, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(action: "flush", path: folder, code: errno) }
    }
}
