import Testing

/// What should not be left lying about.
@Suite("Tidiness")
struct TidinessTests {
    @Test("no marker of unfinished work is left", arguments: ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"])
    func markers(marker: String) {
        for file in Repository.allFiles where file.mentions(marker) {
            for (number, line) in file.lines.enumerated() where Self.contains(line, word: marker) {
                Issue.record(
                    "\(file.path):\(number + 1) has a \(marker): do it, or write down what is missing in the docs")
            }
        }
    }

    @Test("no module is an empty shell")
    func placeholders() {
        for file in Repository.swiftFiles where file.path.hasSuffix("/" + "Place" + "holder.swift") {
            Issue.record("\(file.path) holds a module's place")
        }
    }

    @Test("no file is longer than 500 lines")
    func length() {
        for file in Repository.swiftFiles {
            #expect(
                file.lines.count <= 501, "\(file.path) has \(file.lines.count) lines: split it as Type+Aspect.swift")
        }
    }

    @Test(
        "no path of one machine is written down",
        arguments: ["/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/", "/wo" + "rk/"])
    func machinePaths(path: String) {
        for file in Repository.allFiles where file.mentions(path) {
            for (number, line) in file.lines.enumerated() {
                var rest = line
                while let found = rest.firstRange(of: path) {
                    // Part of a longer path or a URL is another thing.
                    let before = line[..<found.lowerBound].last
                    let isPath = before.map { !$0.isLetter && !$0.isNumber && !"._-}*/".contains($0) } ?? true
                    if isPath { Issue.record("\(file.path):\(number + 1) names \(path)") }
                    rest = rest[found.upperBound...]
                }
            }
        }
    }

    @Test("text files end with one newline and have no blanks at the end of a line")
    func whitespace() {
        for file in Repository.allFiles where !file.text.isEmpty {
            #expect(file.text.hasSuffix("\n"), "\(file.path) lacks the newline at its end")
            guard !file.path.hasSuffix(".md"), file.mentions(" \n") || file.mentions("\t\n") else { continue }
            for (number, line) in file.lines.enumerated() where line.last == " " || line.last == "\t" {
                Issue.record("\(file.path):\(number + 1) has blanks at its end")
            }
        }
    }

    private static func contains(_ line: Substring, word: String) -> Bool {
        var rest = line
        while let found = rest.firstRange(of: word) {
            let before = line[..<found.lowerBound].last
            let after = line[found.upperBound...].first
            if !(before?.isLetter ?? false), !(after?.isLetter ?? false) { return true }
            rest = rest[found.upperBound...]
        }
        return false
    }
}
