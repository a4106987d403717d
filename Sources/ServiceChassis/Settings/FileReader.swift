import Glibc

/// Reads small files; replaced in tests.
package struct FileReader: Sendable {
    /// The file's bytes, or why they cannot be had.
    package var read: @Sendable (_ path: String) -> Result<[UInt8], FileReadingFailure>

    package init(_ read: @escaping @Sendable (_ path: String) -> Result<[UInt8], FileReadingFailure>) {
        self.read = read
    }

    /// Files of this machine of at most 1 MiB. Blocks: for use at start only.
    package static let system = FileReader { path in
        guard let file = fopen(path, "re") else { return .failure(FileReadingFailure(reason: Self.reason(errno))) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= 1 << 20 else { return .failure(FileReadingFailure(reason: "is over 1 MiB")) }
            if count == 0 { break }
        }
        guard ferror(file) == 0 else { return .failure(FileReadingFailure(reason: "cannot be read to its end")) }
        return .success(bytes)
    }

    /// The file's text, or why it cannot be had.
    package func text(_ path: String) -> Result<String, FileReadingFailure> {
        read(path).flatMap { bytes in
            String(validating: bytes, as: UTF8.self).map(Result.success)
                ?? .failure(FileReadingFailure(reason: "is not UTF-8"))
        }
    }

    private static func reason(_ code: Int32) -> String {
        "cannot be opened (\(String(cString: strerror(code))))"
    }
}

/// Why a file cannot be read, as the end of a sentence that begins with its path.
package struct FileReadingFailure: Error, Sendable, Hashable {
    package var reason: String

    package init(reason: String) {
        self.reason = reason
    }
}
