import Testing

/// What documents say about the repository.
@Suite("Documents")
struct DocumentTests {
    private static let documents = Repository.allFiles.filter { $0.path.hasSuffix(".md") }

    @Test("every relative link leads to a file or folder that exists")
    func links() {
        for document in Self.documents {
            let folder = document.path.split(separator: "/").dropLast()
            for (number, line) in document.lines.enumerated() {
                for link in Self.links(in: line) {
                    let target = link.split(separator: "#", omittingEmptySubsequences: false)[0]
                    guard !target.isEmpty, !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
                    var path = target.hasPrefix("/") ? [] : Array(folder)
                    for part in target.split(separator: "/") where part != "." {
                        if part == ".." { _ = path.popLast() } else { path.append(part) }
                    }
                    let isThere = Repository.exists(path.joined(separator: "/"))
                    #expect(isThere, "\(document.path):\(number + 1) links to \(link), which does not exist")
                }
            }
        }
    }

    @Test("every make target a document tells of exists")
    func targets() {
        let makefile = Repository.read("Makefile") ?? ""
        let targets = Set(
            makefile.split(separator: "\n").compactMap { line in
                line.firstRange(of: ":").map { String(line[..<$0.lowerBound]) }
            })
        for document in Self.documents {
            for (number, line) in document.lines.enumerated() {
                for target in Self.makeTargets(in: line) {
                    #expect(targets.contains(target), "\(document.path):\(number + 1) tells of `make \(target)`")
                }
            }
        }
    }

    /// The targets of `](target)`.
    static func links(in line: Substring) -> [Substring] {
        var links: [Substring] = []
        var rest = line
        while let open = rest.firstRange(of: "](") {
            rest = rest[open.upperBound...]
            guard let close = rest.firstIndex(of: ")") else { break }
            links.append(rest[..<close])
        }
        return links
    }

    /// The words after `make` at the beginning of code: behind a backtick, or of a line.
    static func makeTargets(in line: Substring) -> [String] {
        var targets: [String] = []
        var rest = line
        var isFirst = true
        while let call = rest.firstRange(of: "make ") {
            let before = rest[..<call.lowerBound].last
            let isCode = before == "`" || (isFirst && rest.hasPrefix("make "))
            rest = rest[call.upperBound...]
            isFirst = false
            let word = rest.prefix { $0.isLetter || $0 == "-" }
            if isCode, !word.isEmpty { targets.append(String(word)) }
        }
        return targets
    }

    @Test("links and targets are found in text as it is written")
    func finders() {
        #expect(Self.links(in: "see [a](docs/a.md#b) and [c](https://c)") == ["docs/a.md#b", "https://c"])
        #expect(Self.makeTargets(in: "Run `make up`, then `make bench-parts X=1`; make sure") == ["up", "bench-parts"])
        #expect(Self.makeTargets(in: "make test") == ["test"])
    }
}
