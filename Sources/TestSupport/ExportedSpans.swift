import JSON

/// A span as a collector would read it.
package struct ExportedSpan: Sendable, Hashable {
    package var service: String
    package var name: String
    package var traceID: String
    package var spanID: String
    /// Empty for the root of a trace.
    package var parentID: String
    package var kind: Int64
    package var start: UInt64
    package var end: UInt64
    package var attributes: [String: String]
    /// The spans it is linked to.
    package var links: [String]
    /// 0 unset, 1 well, 2 failed.
    package var status: Int64
    package var statusMessage: String?
}

/// Reads OTLP trace export requests as strictly as the protocol's JSON mapping is written: known members alone, identifiers
/// of the right length in hexadecimal, 64-bit integers as text, enumerations as numbers.
package struct ExportedSpans {
    package struct Fault: Error, CustomStringConvertible {
        package var description: String
    }

    /// The spans of one `ExportTraceServiceRequest`.
    ///
    /// - Throws: ``Fault`` with the first thing that a collector would not understand.
    package static func read(_ document: [UInt8]) throws -> [ExportedSpan] {
        let root = try JSONDocument(parsing: document).root
        try check(root, ["resourceSpans"])
        return try elements(root, "resourceSpans").flatMap { resource in
            try check(resource, ["resource", "scopeSpans", "schemaUrl"])
            guard let about = resource["resource"] else { throw Fault(description: "no resource") }
            try check(about, ["attributes", "droppedAttributesCount"])
            guard let service = try attributes(of: about)["service.name"] else {
                throw Fault(description: "no service.name")
            }
            return try elements(resource, "scopeSpans").flatMap { scope in
                try check(scope, ["scope", "spans", "schemaUrl"])
                if let name = scope["scope"] { try check(name, ["name", "version", "attributes"]) }
                return try elements(scope, "spans").map { try span($0, service) }
            }
        }
    }

    private static func span(_ value: JSONValue, _ service: String) throws -> ExportedSpan {
        try check(
            value,
            [
                "traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano",
                "endTimeUnixNano", "attributes", "droppedAttributesCount", "events", "links", "status",
            ])
        let status = value["status"]
        if let status { try check(status, ["code", "message"]) }
        let links = try (value["links"].map { Array($0.elements) } ?? []).map { link in
            try check(link, ["traceId", "spanId", "traceState", "attributes", "flags"])
            _ = try identifier(link, "traceId", digits: 32)
            return try identifier(link, "spanId", digits: 16)
        }
        guard let name = value["name"]?.string, !name.isEmpty, let kind = value["kind"]?.int64,
            (1...5).contains(kind), let code = status.map({ $0["code"]?.int64 ?? 0 }), (0...2).contains(code)
        else { throw Fault(description: "name, kind or status: \(text(value))") }
        let span = ExportedSpan(
            service: service, name: name, traceID: try identifier(value, "traceId", digits: 32),
            spanID: try identifier(value, "spanId", digits: 16),
            parentID: value["parentSpanId"] == nil ? "" : try identifier(value, "parentSpanId", digits: 16), kind: kind,
            start: try number(value, "startTimeUnixNano"), end: try number(value, "endTimeUnixNano"),
            attributes: try attributes(of: value), links: links, status: code,
            statusMessage: status?["message"]?.string)
        guard span.start <= span.end else { throw Fault(description: "it ends before it begins: \(text(value))") }
        return span
    }

    private static func attributes(of value: JSONValue) throws -> [String: String] {
        var attributes: [String: String] = [:]
        for attribute in try elements(value, "attributes") {
            try check(attribute, ["key", "value"])
            guard let key = attribute["key"]?.string, !key.isEmpty, attributes[key] == nil,
                let value = attribute["value"], value.count == 1, let member = Array(value.members).first
            else { throw Fault(description: "an attribute: \(text(attribute))") }
            let read: String? =
                switch member.name {
                case "stringValue": member.value.string
                case "boolValue": member.value.bool.map { "\($0)" }
                case "intValue": member.value.string.flatMap { Int64($0) }.map { "\($0)" }
                case "doubleValue": member.value.double.map { "\($0)" }
                default: nil
                }
            guard let read else { throw Fault(description: "an attribute's value: \(text(attribute))") }
            attributes[key] = read
        }
        return attributes
    }

    private static func check(_ value: JSONValue, _ known: Set<String>) throws {
        guard value.kind == .object else { throw Fault(description: "no object: \(text(value))") }
        for member in value.members where !known.contains(member.name) {
            throw Fault(description: "\(member.name) is no member of \(text(value))")
        }
    }

    private static func elements(_ value: JSONValue, _ name: String) throws -> [JSONValue] {
        guard let array = value.member(named: name), array.kind == .array else {
            throw Fault(description: "\(name) is no array in \(text(value))")
        }
        return Array(array.elements)
    }

    private static func identifier(_ value: JSONValue, _ name: String, digits: Int) throws -> String {
        guard let text = value.member(named: name)?.string, text.utf8.count == digits,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            text.utf8.contains(where: { $0 != 0x30 })
        else { throw Fault(description: "\(name) of \(self.text(value))") }
        return text
    }

    private static func number(_ value: JSONValue, _ name: String) throws -> UInt64 {
        guard let number = value.member(named: name)?.string.flatMap({ UInt64($0) }), number > 0 else {
            throw Fault(description: "\(name) of \(text(value))")
        }
        return number
    }

    private static func text(_ value: JSONValue) -> String { String(decoding: value.source, as: UTF8.self) }
}
