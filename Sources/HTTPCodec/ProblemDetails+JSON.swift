extension ProblemDetails {
    /// The JSON document: `type`, `title`, `status`, `detail` and `errors` where there are any, then the extensions.
    package func document() -> [UInt8] {
        var text = "{\"type\":\(quoted(type.urn)),\"title\":\(quoted(type.title)),\"status\":\(type.status.code)"
        if let detail { text += ",\"detail\":\(quoted(detail))" }
        if !errors.isEmpty {
            let faults = errors.prefix(Self.faultLimit).map { fault in
                let place =
                    switch fault.place {
                    case .pointer(let text): "\"pointer\":\(quoted(text))"
                    case .parameter(let text): "\"parameter\":\(quoted(text))"
                    case .header(let text): "\"header\":\(quoted(text))"
                    }
                return "{\(place),\"detail\":\(quoted(fault.detail))}"
            }
            text += ",\"errors\":[" + faults.joined(separator: ",") + "]"
        }
        for member in extensions {
            text += ",\(quoted(member.name)):"
            switch member.value {
            case .string(let value): text += quoted(value)
            case .integer(let value): text += String(value)
            case .boolean(let value): text += value ? "true" : "false"
            }
        }
        return Array((text + "}").utf8)
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
