import Glibc

/// The few things done with files and folders here.
package enum Files {
    /// Whether anything is at the path.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isExecutable(_ path: String) -> Bool { !isDirectory(path) && access(path, X_OK) == 0 }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The whole content, or nil when it cannot be read.
    package static func read(_ path: String) -> [UInt8]? { readTail(path, atMost: .max) }

    /// The content as text; broken UTF-8 is repaired.
    package static func text(_ path: String) -> String? {
        read(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The last `limit` bytes of a file, or nil when it cannot be read.
    package static func readTail(_ path: String, atMost limit: Int) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let size = Int(lseek(file, 0, SEEK_END))
        if size > limit { lseek(file, -off_t(limit), SEEK_END) } else { lseek(file, 0, SEEK_SET) }
        var content: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
            }
            guard !chunk.isEmpty else { return content }
            content += chunk
        }
    }

    /// Replaces the file's content in one step: a reader sees the old or the new one, never a part.
    package static func replace(
        _ path: String, with content: [UInt8], mode: UInt32 = 0o644
    ) throws(FileError) {
        let temporary = path + ".new"
        // One that an earlier run left behind would keep its own mode.
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw FileError("write", path) }
        var written = 0
        while written < content.count {
            let count = content[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else {
                let error = FileError("write", path)
                close(file)
                unlink(temporary)
                throw error
            }
            written += count
        }
        close(file)
        guard rename(temporary, path) == 0 else { throw FileError("write", path) }
    }

    package static func remove(_ path: String) {
        unlink(path)
    }

    /// Makes the folder and what is missing above it.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(FileError) {
        var partial = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            partial += (partial.isEmpty || partial == "/" ? "" : "/") + part
            if mkdir(partial, mode) != 0, errno != EEXIST, !isDirectory(partial) {
                throw FileError("make the folder", partial)
            }
        }
        guard isDirectory(path) else { throw FileError("make the folder", path) }
    }

    /// The names in a folder, sorted; empty when it cannot be read.
    package static func list(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a folder with all it contains; does not follow symbolic links.
    package static func removeTree(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in list(path) { removeTree(path + "/" + name) }
        rmdir(path)
    }

    /// The absolute path without symbolic links, or nil when it does not exist.
    package static func canonical(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    package static var workingDirectory: String { canonical(".") ?? "/" }
}

/// A file operation the system refused.
package struct FileError: Error, CustomStringConvertible {
    package let description: String

    /// Takes the reason from `errno`.
    init(_ action: String, _ path: String) {
        description = "cannot \(action) \(path): \(systemMessage(errno))"
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard strerror_r(code, buffer.baseAddress!, buffer.count) == 0 else { return "error \(code)" }
        return String(cString: buffer.baseAddress!)
    }
}
