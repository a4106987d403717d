/// The knobs of configurations, as their source declares them and as pages tell of them.
enum Knobs {
    /// What the source or a page says a knob is when nobody sets it.
    enum Default: Hashable {
        /// It has to be set.
        case required
        /// The text of an expression.
        case value(String)
    }

    /// The knobs among the stored public properties of a configuration's file.
    ///
    /// One without an initial value has that of the initializer's parameter, or none.
    static func declared(in file: Repository.File) -> [String: Default] {
        let parameters = parameters(in: file)
        var knobs: [String: Default] = [:]
        for (_, text) in file.code {
            let line = text.drop { $0 == " " }
            guard line.hasPrefix("public var "), !line.contains("{") else { continue }
            let parts = split(line.dropFirst("public var ".count), at: " = ")
            let declaration = split(parts[0], at: ": ")
            let name = String(declaration[0])
            if parts.count > 1 {
                knobs[name] = .value(String(parts[1]))
            } else if declaration.count > 1, declaration[1].hasSuffix("?") {
                knobs[name] = .value("nil")
            } else {
                knobs[name] = parameters[name] ?? .required
            }
        }
        return knobs
    }

    /// The parameters of a file's public initializers, by label.
    static func parameters(in file: Repository.File) -> [String: Default] {
        let code = file.code.map { $0.text.drop { $0 == " " } }.joined(separator: " ")
        var found: [String: Default] = [:]
        var rest = code[...]
        while let start = rest.firstRange(of: "init(") {
            let isPublic =
                rest[..<start.lowerBound].hasSuffix("public ")
                || rest[..<start.lowerBound].hasSuffix("public convenience ")
            rest = rest[start.upperBound...]
            guard isPublic else { continue }
            for parameter in arguments(rest) {
                let parts = split(parameter, at: " = ")
                guard let label = split(parts[0], at: ":")[0].split(separator: " ").last else { continue }
                found[String(label)] = parts.count > 1 ? .value(String(parts[1])) : .required
            }
        }
        return found
    }

    /// The cases whose values have defaults.
    static func casesWithDefaults(in file: Repository.File) -> [String] {
        file.code.map { $0.text.drop { $0 == " " } }
            .filter { $0.hasPrefix("case ") && !$0.hasPrefix("case .") && $0.contains("(") && $0.contains(" = ") }
            .map(String.init)
    }

    /// The rows of a page's tables with this head, without their bars.
    static func rows(of page: Repository.File, head: String) -> [[Substring]] {
        var rows: [[Substring]] = []
        var isInside = false
        for line in page.lines {
            guard line.hasPrefix("|") else {
                isInside = false
                continue
            }
            if line.hasPrefix(head) {
                isInside = true
            } else if isInside, !line.hasPrefix("|-") {
                rows.append(line.dropFirst().split(separator: "|").map(trimmed))
            }
        }
        return rows
    }

    /// What a page's tables say: of each knob its default, a code span with which the cell begins.
    static func told(by page: Repository.File) -> [String: Default] {
        var knobs: [String: Default] = [:]
        for row in rows(of: page, head: "| knob | default |") where row.count > 1 {
            knobs[String(row[0].filter { $0 != "`" })] =
                row[1].hasPrefix("`") ? .value(String(row[1].split(separator: "`")[0])) : .required
        }
        return knobs
    }

    /// The text before the separator and all that follows it.
    static func split(_ text: some StringProtocol, at separator: String) -> [Substring] {
        let text = Substring(text)
        guard let found = text.firstRange(of: separator) else { return [trimmed(text)] }
        return [trimmed(text[..<found.lowerBound]), trimmed(text[found.upperBound...])]
    }

    static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }

    /// The arguments up to the parenthesis that closes one already open.
    private static func arguments(_ text: Substring) -> [Substring] {
        var depth = 0
        var arguments: [Substring] = []
        var start = text.startIndex
        for index in text.indices {
            switch text[index] {
            case "(", "[": depth += 1
            case "]": depth -= 1
            case ")" where depth == 0: return arguments + (start < index ? [text[start..<index]] : [])
            case ")": depth -= 1
            case "," where depth == 0:
                arguments.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        return arguments
    }
}
