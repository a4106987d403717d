import HTTPCodec

/// Decides whether a request's body is declared as JSON.
enum MediaType {
    enum Verdict: Hashable {
        case json
        case absent
        case unsupported
    }

    /// `application/json` without a charset or with utf-8; other parameters mean nothing to us.
    static func check(_ fields: HTTPFields) -> Verdict {
        switch fields.count(of: "Content-Type") {
        case 0: .absent
        case 1: isJSON(fields["Content-Type"] ?? "") ? .json : .unsupported
        default: .unsupported
        }
    }

    /// Whether the body is a CloudEvent in structured mode: `application/cloudevents+json`, with charset as for JSON.
    static func isStructuredEvent(_ fields: HTTPFields) -> Bool {
        guard let value = fields["Content-Type"], fields.count(of: "Content-Type") == 1 else { return false }
        return isJSON(value, "application/cloudevents+json")
    }

    private static func isJSON(_ value: String, _ type: String = "application/json") -> Bool {
        if value == type { return true }
        let parts = value.split(separator: ";", omittingEmptySubsequences: false).map(\.trimmed)
        guard parts[0].lowercased() == type else { return false }
        for parameter in parts.dropFirst() where !parameter.isEmpty {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { return false }
            guard pair[0].lowercased() == "charset" else { continue }
            var charset = pair[1].lowercased()[...]
            if charset.count >= 2, charset.first == "\"", charset.last == "\"" {
                charset = charset.dropFirst().dropLast()
            }
            guard charset == "utf-8" else { return false }
        }
        return true
    }
}
