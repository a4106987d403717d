import CLibyaml

/// Reads one YAML document into nodes, with libyaml.
///
/// Narrower than YAML on purpose: no anchors, aliases and tags, no name twice in a mapping, names are text, one document.
/// What looks like a number stays text until somebody who knows the member's type reads it: `1:30` is no 90, `no` no false.
package enum YAMLParser {
    /// More nesting than any experiment needs, less than a stack holds.
    private static let depthLimit = 32

    /// - Throws: the mistake at which reading stopped, with its line.
    package static func parse(_ bytes: [UInt8]) throws(Mistake) -> YAMLNode {
        let result = bytes.withUnsafeBufferPointer { bytes -> Result<YAMLNode, Mistake> in
            var parser = yaml_parser_t()
            guard yaml_parser_initialize(&parser) == 1 else {
                return .failure(Mistake(line: 1, path: "", "libyaml has no memory left"))
            }
            defer { yaml_parser_delete(&parser) }
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            return Result { () throws(Mistake) in try document(&parser) }
        }
        return try result.get()
    }

    private static func document(_ parser: inout yaml_parser_t) throws(Mistake) -> YAMLNode {
        _ = try next(&parser)
        let start = try next(&parser)
        guard start.type == YAML_DOCUMENT_START_EVENT else {
            throw Mistake(line: 1, path: "", "the file is empty")
        }
        let root = try node(from: try next(&parser), &parser, depth: 0)
        _ = try next(&parser)
        let end = try next(&parser)
        guard end.type == YAML_STREAM_END_EVENT else {
            throw Mistake(line: end.line, path: "", "a second document begins; write one to a file")
        }
        return root
    }

    /// What is kept of an event after libyaml's own copy is gone.
    private struct Event {
        var type: yaml_event_type_t
        var line: Int
        var text = ""
        var isPlain = false
    }

    private static func next(_ parser: inout yaml_parser_t) throws(Mistake) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(&parser, &event) == 1 else {
            let problem = parser.problem.map { String(cString: $0) } ?? "this is no YAML"
            let context = parser.context.map { " " + String(cString: $0) } ?? ""
            let line = max(parser.problem_mark.line, parser.context_mark.line)
            throw Mistake(line: Int(line) + 1, path: "", problem + context)
        }
        defer { yaml_event_delete(&event) }
        var result = Event(type: event.type, line: Int(event.start_mark.line) + 1)
        var isMarked = false
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            result.text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            result.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            isMarked = scalar.anchor != nil || scalar.tag != nil
        case YAML_SEQUENCE_START_EVENT:
            isMarked = event.data.sequence_start.anchor != nil || event.data.sequence_start.tag != nil
        case YAML_MAPPING_START_EVENT:
            isMarked = event.data.mapping_start.anchor != nil || event.data.mapping_start.tag != nil
        case YAML_ALIAS_EVENT:
            isMarked = true
        default:
            break
        }
        if isMarked { throw Mistake(line: result.line, path: "", "anchors, aliases and tags are not used here") }
        return result
    }

    private static func node(
        from event: Event, _ parser: inout yaml_parser_t, depth: Int
    ) throws(Mistake) -> YAMLNode {
        guard depth < depthLimit else { throw Mistake(line: event.line, path: "", "nested too deeply") }
        switch event.type {
        case YAML_SCALAR_EVENT:
            return YAMLNode(line: event.line, .scalar(event.text, isPlain: event.isPlain))
        case YAML_SEQUENCE_START_EVENT:
            var elements: [YAMLNode] = []
            while true {
                let event = try next(&parser)
                if event.type == YAML_SEQUENCE_END_EVENT { break }
                elements.append(try node(from: event, &parser, depth: depth + 1))
            }
            return YAMLNode(line: event.line, .sequence(elements))
        default:
            return YAMLNode(line: event.line, .mapping(try members(&parser, depth: depth)))
        }
    }

    private static func members(_ parser: inout yaml_parser_t, depth: Int) throws(Mistake) -> [YAMLNode.Member] {
        var members: [YAMLNode.Member] = []
        while true {
            let event = try next(&parser)
            if event.type == YAML_MAPPING_END_EVENT { return members }
            guard event.type == YAML_SCALAR_EVENT else {
                throw Mistake(line: event.line, path: "", "the name of a member must be text")
            }
            if let first = members.first(where: { $0.name == event.text }) {
                throw Mistake(line: event.line, path: event.text, "was given in line \(first.line) already")
            }
            let value = try node(from: try next(&parser), &parser, depth: depth + 1)
            members.append(YAMLNode.Member(name: event.text, line: event.line, value: value))
        }
    }
}
