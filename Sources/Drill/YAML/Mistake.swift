/// One thing that is wrong with a file.
package struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    package var line: Int
    /// The member, such as `method[1].target`; empty for the file as a whole.
    package var path: String
    package var message: String

    package init(line: Int, path: String, _ message: String) {
        self.line = line
        self.path = path
        self.message = message
    }

    package var description: String { "line \(line): \(path.isEmpty ? "" : "\(path): ")\(message)" }
}

/// Collects what is wrong, so that one look at the file finds all of it.
package final class Mistakes {
    package private(set) var all: [Mistake] = []

    package init() {}

    package func add(_ mistake: Mistake) { all.append(mistake) }

    /// In the order of the file.
    package var sorted: [Mistake] { all.sorted { ($0.line, $0.path) < ($1.line, $1.path) } }
}
