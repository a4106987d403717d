extension FieldReader {
    /// Each reader comes as `x("name")`, which is required, and as `x("name", or: value)`, which has a default.
    package func text(_ name: String) -> String { required(name, "", Scalars.text) }
    package func text(_ name: String, or value: String) -> String { read(name, Scalars.text) ?? value }
    package func optionalText(_ name: String) -> String? { read(name, Scalars.text) }

    package func integer(_ name: String, in range: ClosedRange<Int>) -> Int {
        required(name, range.lowerBound) { Scalars.integer($0, in: range) }
    }
    package func integer(_ name: String, in range: ClosedRange<Int>, or value: Int) -> Int {
        read(name) { Scalars.integer($0, in: range) } ?? value
    }

    package func number(_ name: String, in range: ClosedRange<Double>) -> Double {
        required(name, range.lowerBound) { Scalars.number($0, in: range) }
    }
    package func number(_ name: String, in range: ClosedRange<Double>, or value: Double) -> Double {
        read(name) { Scalars.number($0, in: range) } ?? value
    }

    /// Written with its unit: `250ms`, `10s`, `1.5s`, `2m`.
    package func duration(_ name: String) -> Duration { required(name, .zero, Scalars.duration) }
    package func duration(_ name: String, or value: Duration) -> Duration { read(name, Scalars.duration) ?? value }
    package func optionalDuration(_ name: String) -> Duration? { read(name, Scalars.duration) }

    /// `true` or `false`, nothing else.
    package func flag(_ name: String, or value: Bool) -> Bool { read(name, Scalars.flag) ?? value }

    /// One of a closed set of words.
    package func choice<Choice: RawRepresentable & CaseIterable & SendableMetatype>(
        _ name: String, or value: Choice? = nil
    ) -> Choice where Choice.RawValue == String {
        if value == nil { require(name) }
        return read(name, Scalars.choice) ?? value ?? Choice.allCases[Choice.allCases.startIndex]
    }

    package func texts(_ name: String, or value: [String] = []) -> [String] {
        elements(name)?.compactMap { node, path in
            guard case .success(let text) = Scalars.text(node) else {
                mistakes.add(Mistake(line: node.line, path: path, "must be text, not \(node.kindName)"))
                return nil
            }
            return text
        } ?? value
    }

    /// A mapping below this one; nil when it is missing. Whoever reads it calls ``finish()`` on it.
    package func mapping(_ name: String) -> FieldReader? {
        node(name).map { FieldReader($0, path: pathOf(name), mistakes: mistakes) }
    }

    /// The mappings of a list; nil when it is missing.
    package func mappings(_ name: String) -> [FieldReader]? {
        elements(name)?.map { FieldReader($0.node, path: $0.path, mistakes: mistakes) }
    }

    /// The elements of a list with their paths; nil when it is missing or no list.
    package func elements(_ name: String) -> [(node: YAMLNode, path: String)]? {
        guard let node = node(name) else { return nil }
        guard case .sequence(let nodes) = node.content else {
            mistakes.add(Mistake(line: node.line, path: pathOf(name), "must be a list, not \(node.kindName)"))
            return nil
        }
        return nodes.enumerated().map { ($1, "\(pathOf(name))[\($0)]") }
    }

    /// The processes a fault acts on; see ``TargetSelector``.
    package func target(_ name: String = "target") -> TargetSelector {
        required(name, TargetSelector(name: ""), TargetSelector.parse)
    }

    private func required<Value>(_ name: String, _ stand: Value, _ parse: (YAMLNode) -> Parsed<Value>) -> Value {
        require(name)
        return read(name, parse) ?? stand
    }
}

/// How scalars are read.
package enum Scalars {
    package static func text(_ node: YAMLNode) -> Parsed<String> {
        guard let text = node.text, !text.isEmpty else { return .failure(Unfit("must be text")) }
        return .success(text)
    }

    package static func integer(_ node: YAMLNode, in range: ClosedRange<Int>) -> Parsed<Int> {
        guard let value = node.text.flatMap({ Int($0) }), range.contains(value) else {
            let limits =
                range.upperBound == .max
                ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            return .failure(Unfit("must be an integer \(limits)"))
        }
        return .success(value)
    }

    package static func number(_ node: YAMLNode, in range: ClosedRange<Double>) -> Parsed<Double> {
        guard let value = node.text.flatMap({ Double($0) }), value.isFinite, range.contains(value) else {
            return .failure(Unfit("must be a number from \(range.lowerBound) to \(range.upperBound)"))
        }
        return .success(value)
    }

    package static func flag(_ node: YAMLNode) -> Parsed<Bool> {
        switch node.text {
        case "true": .success(true)
        case "false": .success(false)
        default: .failure(Unfit("must be true or false"))
        }
    }

    package static func duration(_ node: YAMLNode) -> Parsed<Duration> {
        guard let text = node.text, let value = Duration(written: text) else {
            return .failure(Unfit("must be a duration with its unit, such as 250ms, 10s or 2m"))
        }
        return .success(value)
    }

    package static func choice<Choice: RawRepresentable & CaseIterable & SendableMetatype>(
        _ node: YAMLNode
    ) -> Parsed<Choice> where Choice.RawValue == String {
        guard let value = node.text.flatMap({ Choice(rawValue: $0) }) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            return .failure(Unfit("must be one of \(names)"))
        }
        return .success(value)
    }
}

extension Duration {
    /// Reads `250ms`, `10s`, `1.5s`, `2m`; nil for anything else, a bare number and what lasts over a day among it.
    package init?(written text: String) {
        let units: [(suffix: String, nanoseconds: Double)] = [("ms", 1e6), ("s", 1e9), ("m", 60e9)]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let count = Double(digits),
            count * unit.nanoseconds <= 86_400e9
        else { return nil }
        self = .nanoseconds(Int64((count * unit.nanoseconds).rounded()))
    }

    /// As ``init(written:)`` reads it, for messages: `250ms`, `1.5s`, `90s`.
    package var written: String {
        let milliseconds = self / .milliseconds(1)
        if milliseconds < 1000 { return "\(Int(milliseconds.rounded()))ms" }
        let tenths = Int((milliseconds / 100).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
    }
}
