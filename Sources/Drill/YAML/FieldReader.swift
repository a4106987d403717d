import JSON

/// Reads the members of one mapping, strictly: what is missing, of the wrong type, out of range or unknown is a mistake
/// with its line. Reading goes on behind a mistake with a value that fits the type, so that all mistakes are found.
///
/// Not to be shared: it lives while a file is being read.
package final class FieldReader {
    package let line: Int
    package let path: String
    package let mistakes: Mistakes
    private let members: [YAMLNode.Member]
    private var known: [String] = []

    /// Takes the mapping at `path`; anything but a mapping is a mistake, and is read as one without members.
    package init(_ node: YAMLNode, path: String, mistakes: Mistakes) {
        line = node.line
        self.path = path
        self.mistakes = mistakes
        if case .mapping(let members) = node.content {
            self.members = members
        } else {
            members = []
            mistakes.add(Mistake(line: line, path: path, "must be a mapping of names and values, not \(node.kindName)"))
        }
    }

    /// Names a mistake of this mapping as a whole, or of one of its members.
    package func refuse(_ message: String, at name: String? = nil) {
        let line = members.first { $0.name == name }?.line ?? line
        mistakes.add(Mistake(line: line, path: name.map(pathOf) ?? path, message))
    }

    /// Whether the member was written down, with a value.
    package func has(_ name: String) -> Bool { members.contains { $0.name == name && !$0.value.isNothing } }

    /// The names that were written, in order.
    package var names: [String] { members.map(\.name) }

    /// The member's node; nil when it is missing or nothing.
    package func node(_ name: String) -> YAMLNode? {
        if !known.contains(name) { known.append(name) }
        guard let value = members.first(where: { $0.name == name })?.value, !value.isNothing else { return nil }
        return value
    }

    /// Reads a member with `parse`, whose error is the mistake's message.
    ///
    /// - Returns: nil when it is missing or wrong.
    package func read<Value>(_ name: String, _ parse: (YAMLNode) -> Parsed<Value>) -> Value? {
        guard let node = node(name) else { return nil }
        switch parse(node) {
        case .success(let value): return value
        case .failure(let fault):
            mistakes.add(Mistake(line: node.line, path: pathOf(name), "\(fault.message), not \(node.kindName)"))
            return nil
        }
    }

    /// Says that a member which has no default is missing; does nothing when it was written, if wrongly.
    package func require(_ name: String) {
        if !has(name) { mistakes.add(Mistake(line: line, path: pathOf(name), "is missing")) }
    }

    /// To be called last: names every member that nobody asked for.
    package func finish() {
        for member in members where !known.contains(member.name) {
            let hint = known.isEmpty ? "there are none here" : "known here: \(known.joined(separator: ", "))"
            mistakes.add(Mistake(line: member.line, path: pathOf(member.name), "is unknown; \(hint)"))
        }
    }

    /// All members but these as one line of JSON, which reads back as the same mapping.
    func json(without names: [String]) -> String {
        var json = JSONWriter()
        YAMLNode(line: line, .mapping(members.filter { !names.contains($0.name) })).encode(to: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    package func pathOf(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}

/// A value, or what it would have to be: `must be an integer from 1 to 10`.
package typealias Parsed<Value> = Result<Value, Unfit>

package struct Unfit: Error {
    package var message: String

    package init(_ message: String) { self.message = message }
}
