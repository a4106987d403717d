import Testing

@testable import Drill

@Suite("YAML of drills")
struct YAMLTests {
    private func node(_ text: String) throws -> YAMLNode { try YAMLParser.parse(Array(text.utf8)) }

    private func mistakes(_ text: String, _ read: (FieldReader) -> Void) throws -> [String] {
        let mistakes = Mistakes()
        let fields = FieldReader(try node(text), path: "", mistakes: mistakes)
        read(fields)
        fields.finish()
        return mistakes.sorted.map(\.description)
    }

    @Test("members keep their order and their lines")
    func order() throws {
        let root = try node("b: 1\n\na:\n  - x\n  - 'y'\n")
        guard case .mapping(let members) = root.content else { throw Mistake(line: 0, path: "", "no mapping") }
        #expect(members.map(\.name) == ["b", "a"])
        #expect(members.map(\.line) == [1, 3])
        #expect(
            members[1].value.content
                == .sequence([
                    YAMLNode(line: 4, .scalar("x", isPlain: true)), YAMLNode(line: 5, .scalar("y", isPlain: false)),
                ]))
    }

    @Test(
        "what YAML allows and a drill does not need is refused with its line",
        arguments: [
            ("a: 1\na: 2", 2), ("a: &x 1", 1), ("a: !!str 1", 1), ("a: [1\n", 2), ("a: 1\n---\nb: 2", 2), ("", 1),
            ("a:\n\t- 1", 2), ("? [a]\n: 1", 1),
        ])
    func refused(text: String, line: Int) {
        let error = #expect(throws: Mistake.self) { try node(text) }
        #expect(error?.line == line, "\(text) gave \(error.map(\.description) ?? "nothing")")
    }

    @Test("deep nesting ends in a mistake, not in the stack's end")
    func depth() {
        #expect(throws: Mistake.self) {
            try node(String(repeating: "[", count: 200) + String(repeating: "]", count: 200))
        }
    }

    @Test("all mistakes are found in one look, in the order of the file")
    func all() throws {
        let found = try mistakes("rate: fast\nfor: 10\ncolour: red\nwho: nobody\n") { fields in
            _ = fields.number("rate", in: 1...10)
            _ = fields.duration("for")
            _ = fields.integer("count", in: 1...3)
            _ = fields.target("who")
        }
        #expect(found.count == 5)
        #expect(found.contains { $0 == "line 1: rate: must be a number from 1.0 to 10.0, not \"fast\"" })
        #expect(found.contains { $0.hasPrefix("line 2: for: must be a duration with its unit") })
        #expect(found.contains { $0 == "line 3: colour: is unknown; known here: rate, for, count, who" })
        #expect(found.contains { $0 == "line 1: count: is missing" })
        #expect(found.contains { $0.hasPrefix("line 4: who: must be one of order-service") })
    }

    @Test(
        "durations carry their unit",
        arguments: [("250ms", 250), ("10s", 10_000), ("1.5s", 1500), ("2m", 120_000), ("0s", 0)])
    func durations(text: String, milliseconds: Int) {
        #expect(Duration(written: text) == .milliseconds(milliseconds))
    }

    @Test("what is no duration is none", arguments: ["10", "", "s", "-1s", "1e3s", "1h", "nan s", "99999999m", "１s"])
    func noDurations(text: String) {
        #expect(Duration(written: text) == nil)
    }
}
