/// The shape of a path: `/v1/orders/{id}`.
package struct RouteTemplate: Sendable, Hashable {
    enum Segment: Sendable, Hashable {
        case literal(String)
        case parameter(String)
    }

    /// As written; the `route` label of metrics.
    package let text: String
    let segments: [Segment]

    /// Reads the template; traps on one that no path can match, for it is written in our own source.
    package init(_ text: String) {
        precondition(text.first == "/", "the route \(text) does not begin with a slash")
        self.text = text
        segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            precondition(!part.isEmpty, "the route \(text) has an empty segment")
            guard part.first == "{" else { return .literal(String(part)) }
            precondition(part.last == "}" && part.count > 2, "the route \(text) has an unfinished parameter")
            return .parameter(String(part.dropFirst().dropLast()))
        }
    }

    /// The parameters of a path that has this shape, nil for another. An empty segment is no value.
    func match(_ path: [String]) -> PathParameters? {
        guard path.count == segments.count else { return nil }
        var parameters = PathParameters()
        for (segment, value) in zip(segments, path) {
            switch segment {
            case .literal(let literal):
                guard literal == value else { return nil }
            case .parameter(let name):
                guard !value.isEmpty else { return nil }
                parameters.values.append((name, value))
            }
        }
        return parameters
    }

    /// How many segments are fixed; of two templates that match a path the more specific one is meant.
    var literalCount: Int {
        segments.count {
            if case .literal = $0 { true } else { false }
        }
    }
}

/// The values a path has for the parameters of its template.
package struct PathParameters: Sendable {
    fileprivate(set) var values: [(name: String, value: String)] = []

    package init() {}

    /// The value; traps for a name that the template does not have.
    package subscript(name: String) -> String {
        guard let found = values.first(where: { $0.name == name }) else {
            preconditionFailure("the route has no parameter \(name)")
        }
        return found.value
    }
}
