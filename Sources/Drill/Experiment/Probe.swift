/// A measurement of the steady state with what it may be.
package struct Probe: Sendable {
    package enum Measure: Sendable, Equatable {
        /// The status of an answer, or a member of its JSON body.
        case http(target: TargetSelector, isAdmin: Bool, path: String, member: String?)
        /// A metric's samples with these labels, added up over their series and the targets' processes.
        case metric(target: TargetSelector, name: String, labels: [String: String], isMaximum: Bool)
        /// A percentile of the latency of placing an order, in seconds.
        case latency(percentile: Double, over: Duration)
        /// The share of orders that were not taken.
        case errors(over: Duration)
    }

    package enum When: String, CaseIterable, Sendable {
        /// Before the faults and after recovery.
        case around
        case before
        case after
        /// At the end, when all has come to rest, and waited for: what takes its time after an order's outcome.
        case rest
    }

    package var name: String
    package var measure: Measure
    package var tolerance: Tolerance
    package var when: When
}

/// What a measurement may be, after the Chaos Toolkit: a value, `[lowest, highest]`, or a list of three or more values.
package enum Tolerance: Sendable, Equatable, CustomStringConvertible {
    case equal(String)
    case range(Double, Double)
    case oneOf([String])

    package func allows(_ value: String) -> Bool {
        switch self {
        case .equal(let wanted): Self.isSame(value, wanted)
        case .range(let low, let high): Double(value).map { low <= $0 && $0 <= high } ?? false
        case .oneOf(let values): values.contains { Self.isSame(value, $0) }
        }
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        guard let left = Double(left), let right = Double(right) else { return false }
        return left == right
    }

    package var description: String {
        switch self {
        case .equal(let value): value
        case .range(let low, let high): "\(low) to \(high)"
        case .oneOf(let values): "one of " + values.joined(separator: ", ")
        }
    }

    static func parse(_ node: YAMLNode) -> Parsed<Tolerance> {
        let unfit = Unfit("must be a value, [lowest, highest], or a list of three or more values")
        if let text = node.text, !text.isEmpty { return .success(.equal(text)) }
        guard case .sequence(let nodes) = node.content else { return .failure(unfit) }
        let texts = nodes.compactMap(\.text)
        guard texts.count == nodes.count, texts.count >= 2 else { return .failure(unfit) }
        if texts.count > 2 { return .success(.oneOf(texts)) }
        // Latencies are written with their unit and compared in seconds.
        let bounds = texts.compactMap { Double($0) ?? Duration(written: $0)?.inSeconds }
        guard bounds.count == 2, bounds[0] <= bounds[1] else { return .failure(unfit) }
        return .success(.range(bounds[0], bounds[1]))
    }
}

extension Probe {
    private enum Kind: String, CaseIterable { case http, metric, latency, errors }
    private enum Port: String, CaseIterable { case api, admin }
    private enum Aggregate: String, CaseIterable { case sum, max }

    /// Reads one; nil when something is wrong with it.
    static func read(_ fields: FieldReader) -> Probe? {
        let before = fields.mistakes.all.count
        let name = fields.text("name")
        let kind: Kind = fields.choice("type")
        fields.require("tolerance")
        let tolerance = fields.read("tolerance", Tolerance.parse) ?? .equal("")
        let when: When = fields.choice("when", or: .around)
        let measure: Measure
        switch kind {
        case .http:
            let port: Port = fields.choice("port", or: .api)
            measure = .http(
                target: fields.target(), isAdmin: port == .admin, path: fields.text("path"),
                member: fields.optionalText("member"))
            if case .http(_, _, let path, _) = measure, !path.isEmpty, !path.hasPrefix("/") {
                fields.refuse("must begin with /", at: "path")
            }
        case .metric:
            var labels: [String: String] = [:]
            if let members = fields.mapping("labels") {
                for label in members.names { labels[label] = members.text(label) }
            }
            let aggregate: Aggregate = fields.choice("aggregate", or: .sum)
            measure = .metric(
                target: fields.target(), name: fields.text("metric"), labels: labels, isMaximum: aggregate == .max)
        case .latency:
            measure = .latency(
                percentile: fields.number("percentile", in: 0...100), over: fields.duration("over", or: .seconds(8)))
        case .errors:
            measure = .errors(over: fields.duration("over", or: .seconds(8)))
        }
        fields.finish()
        guard fields.mistakes.all.count == before else { return nil }
        return Probe(name: name, measure: measure, tolerance: tolerance, when: when)
    }
}
