/// The lines of a `KEY=value` file.
///
/// Blank lines and lines that begin with `#` are skipped; blanks around key and value are dropped, and so is one pair of
/// quotes around the value. Nothing is expanded. The last line of a key does not win: a key given twice is a fault.
package struct SettingsFile: Sendable {
    package struct Entry: Sendable, Hashable {
        package var value: String
        package var line: Int
    }

    package var path: String
    package private(set) var entries: [String: Entry] = [:]
    package private(set) var faults: [SettingFault] = []

    package init(path: String, text: String) {
        self.path = path
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in lines.enumerated() {
            read(line.trimmed, line: index + 1)
        }
    }

    package init(path: String, faults: [SettingFault]) {
        self.path = path
        self.faults = faults
    }

    private mutating func read(_ line: Substring, line number: Int) {
        guard !line.isEmpty, line.first != "#" else { return }
        let origin = "\(path), line \(number)"
        guard let equals = line.firstIndex(of: "=") else {
            faults.append(
                SettingFault(
                    key: "line \(number)", value: nil, origin: path, reason: "is not of the form KEY=value",
                    remedy: "Write one setting a line, and # before a comment."))
            return
        }
        let key = String(line[..<equals].trimmed)
        guard !key.isEmpty, key.utf8.allSatisfy(\.isSettingKeyCharacter) else {
            faults.append(
                SettingFault(
                    key: key, value: nil, origin: origin, reason: "is no name of a setting",
                    remedy: "Names are capital letters, digits and underscores."))
            return
        }
        guard entries[key] == nil else {
            faults.append(
                SettingFault(
                    key: key, value: nil, origin: origin, reason: "is given twice in this file",
                    remedy: "Keep one of the lines."))
            return
        }
        entries[key] = Entry(value: Self.unquoted(line[line.index(after: equals)...].trimmed), line: number)
    }

    private static func unquoted(_ value: Substring) -> String {
        guard value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote
        else { return String(value) }
        return String(value.dropFirst().dropLast())
    }
}

extension UInt8 {
    fileprivate var isSettingKeyCharacter: Bool {
        (0x41...0x5A).contains(self) || (0x30...0x39).contains(self) || self == UInt8(ascii: "_")
    }
}

extension Substring {
    /// Without blanks, tabs and carriage returns at both ends.
    var trimmed: Substring {
        var rest = self
        while let first = rest.unicodeScalars.first, first == " " || first == "\t" || first == "\r" {
            rest.unicodeScalars.removeFirst()
        }
        while let last = rest.unicodeScalars.last, last == " " || last == "\t" || last == "\r" {
            rest.unicodeScalars.removeLast()
        }
        return rest
    }
}
