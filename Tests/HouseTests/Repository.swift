import Glibc

/// The files of this repository, as the rules of the house see them.
enum Repository {
    /// The folder with `Package.swift`.
    static let root: String = {
        let here = #filePath.split(separator: "/").dropLast(3)
        return "/" + here.joined(separator: "/")
    }()

    /// A text file, by its path from the root.
    struct File: Sendable {
        let path: String
        let text: String
        /// The modules it imports, whatever the attributes before `import`.
        let imports: [String]

        init(path: String, text: String) {
            self.path = path
            self.text = text
            imports = path.hasSuffix(".swift") ? Self.imports(of: text) : []
        }

        /// Quick enough to ask of every file before its lines are looked at.
        func mentions(_ phrase: String) -> Bool {
            text.withCString { strstr($0, phrase) != nil }
        }

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

        /// The first folder below `Sources`, `Tests` or `Benchmarks`.
        var target: String {
            let parts = path.split(separator: "/")
            return parts.count > 2 ? String(parts[1]) : ""
        }

        var isTest: Bool { path.hasPrefix("Tests/") }

        private static func imports(of text: String) -> [String] {
            text.split(separator: "\n").compactMap { line in
                guard line.utf8.starts(with: "import ".utf8) || line.contains(" import ") else { return nil }
                let words = line.split(separator: " ")
                guard let index = words.firstIndex(of: "import"), words.count > index + 1,
                    words[..<index].allSatisfy({ $0.hasPrefix("@") || ["package", "public", "internal"].contains($0) })
                else { return nil }
                let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
                let name = kinds.contains(String(words[index + 1])) ? words[index + 2] : words[index + 1]
                let module = name.split(separator: ".")[0]
                return module.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? String(module) : nil
            }
        }

        /// Line numbers and the code on them, without comments.
        var code: [(number: Int, text: Substring)] {
            lines.enumerated().compactMap { number, line in
                let trimmed = line.drop { $0 == " " }
                guard !trimmed.hasPrefix("//") else { return nil }
                // A // within a string literal, as in a URL, has a colon or a quote before it.
                guard let comment = line.firstRange(of: " // ") else { return (number + 1, line) }
                return (number + 1, line[..<comment.lowerBound])
            }
        }
    }

    static let swiftFiles: [File] = ["Sources", "Tests", "Benchmarks"].flatMap { files(below: $0, suffix: ".swift") }

    static let manifest = read("Package.swift") ?? ""

    /// Everything people read or run: code, scripts, documents, deployments.
    static let allFiles: [File] = {
        let folders = [
            "Sources", "Tests", "Benchmarks", "scripts", "docs", "deployments", "chaos-experiments", ".ci",
        ]
        let top = list(root).filter { !isDirectory($0) && !["LICENSE", "Package.resolved", ".git"].contains($0) }
        return folders.flatMap { files(below: $0, suffix: "") }
            + top.compactMap { path in read(path).map { File(path: path, text: $0) } }
    }()

    static func files(below folder: String, suffix: String) -> [File] {
        list(root + "/" + folder).flatMap { name -> [File] in
            let path = folder + "/" + name
            if isDirectory(path) { return files(below: path, suffix: suffix) }
            guard name.hasSuffix(suffix), let text = read(path) else { return [] }
            return [File(path: path, text: text)]
        }
    }

    /// The text of a file, or nil for one that is missing or no UTF-8.
    static func read(_ path: String) -> String? {
        guard let file = fopen(root + "/" + path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = fread(buffer.baseAddress!, 1, buffer.count, file)
            }
            guard !chunk.isEmpty else { break }
            bytes += chunk
        }
        return String(validating: bytes, as: UTF8.self)
    }

    static func exists(_ path: String) -> Bool { access(root + "/" + path, F_OK) == 0 }

    private static func list(_ folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != "..", name != "__pycache__" { names.append(name) }
        }
        return names.sorted()
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(root + "/" + path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
