/// The targets of `Package.swift` with their dependencies, read from its text.
struct Manifest {
    private(set) var dependencies: [String: Set<String>] = [:]

    /// Knows the forms the manifest uses: `library`, `program`, `tests`, `service` and `.executableTarget`.
    init(_ text: String) {
        let common = Self.call("library", after: "func service(", in: text).map { Self.literals($0) } ?? []
        for function in ["library", "program", "tests", "service", ".executableTarget", ".target"] {
            var rest = text[...]
            while let start = rest.firstRange(of: function + "(") {
                let isWhole =
                    start.lowerBound == text.startIndex || !Self.isNamePart(text[text.index(before: start.lowerBound)])
                rest = rest[start.upperBound...]
                guard isWhole, let body = Self.balanced(rest) else { continue }
                let names = Self.literals(Self.withoutOtherLists(body))
                guard let name = names.first,
                    body.drop(while: { $0.isWhitespace }).first == "\"" || body.contains("name: \"")
                else { continue }
                dependencies[name, default: []].formUnion(names.dropFirst())
                if function == "service" { dependencies[name, default: []].formUnion(common) }
            }
        }
    }

    /// Paths, exclusions and settings hold strings that are no dependencies.
    private static func withoutOtherLists(_ body: Substring) -> Substring {
        let ends = ["path:", "exclude:", "linker:", "linkerSettings:", "swiftSettings:", "resources:"]
            .compactMap { body.firstRange(of: $0)?.lowerBound }
        return ends.min().map { body[..<$0] } ?? body
    }

    private static func call(_ function: String, after marker: String, in text: String) -> Substring? {
        guard let start = text.firstRange(of: marker),
            let call = text[start.upperBound...].firstRange(of: function + "(")
        else { return nil }
        return balanced(text[call.upperBound...])
    }

    /// The text up to the parenthesis that closes one already open.
    private static func balanced(_ text: Substring) -> Substring? {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return nil
    }

    private static func literals(_ text: Substring) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    private static func isNamePart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "." || character == "_"
    }
}
