import JSON
import Testing

private struct Order: Equatable {
    var customerId: String
    var lines: [Line]
    var token: String
    var note: String?
    var status: Status

    struct Line: Equatable {
        var sku: String
        var quantity: Int
    }

    enum Status: String, CaseIterable {
        case open, closed
    }

    static let identifier = JSONCharacters("A-Za-z0-9._:-")

    init(_ object: inout JSONObjectDecoder) {
        customerId = object.string("customerId", length: 1...64, matching: Self.identifier)
        lines = object.objects("lines", count: 1...3) { line in
            Line(
                sku: line.string("sku", length: 1...8, matching: Self.identifier),
                quantity: line.integer("quantity", in: 1...1000))
        }
        token = object.object("payment") { $0.string("token", length: 1...128) }
        note = object.optional("note")?.string(length: 0...5)
        status = object.oneOf("status")
    }
}

private let valid =
    #"{"customerId":"c-1","lines":[{"sku":"A","quantity":2}],"payment":{"token":"t"},"note":null,"status":"closed"}"#

@Suite("The collecting decoder")
struct DecoderTests {
    @Test("a document that meets the schema becomes a value")
    func success() throws {
        let order = try read(valid).decode { Order(&$0) }
        #expect(order.customerId == "c-1")
        #expect(order.lines == [.init(sku: "A", quantity: 2)])
        #expect(order.token == "t")
        #expect(order.note == nil)
        #expect(order.status == .closed)
    }

    @Test("members may come in any order, and their names escaped")
    func anyOrder() throws {
        let shuffled =
            #"{"status":"closed","payment":{"t\u006fken":"t"},"lines":[{"quantity":2,"sku":"A"}],"customerId":"c-1"}"#
        #expect(try read(shuffled).decode { Order(&$0) } == read(valid).decode { Order(&$0) })
    }

    @Test("all problems are found in one pass, each at its own pointer")
    func allProblems() throws {
        let text =
            #"{"customerId":"c 1","lines":[{"sku":"","quantity":0,"price":1},{"quantity":1.0},7],"extra":1,"status":"x"}"#
        #expect(
            try problems(in: text) { Order(&$0) } == [
                "#/customerId: must be a string of 1 to 64 characters of [A-Za-z0-9._:-]",
                "#/lines/0/sku: must be a string of 1 to 8 characters of [A-Za-z0-9._:-]",
                "#/lines/0/quantity: must be an integer from 1 to 1000",
                "#/lines/0/price: is not a known member",
                "#/lines/1/sku: is required and must be a string of 1 to 8 characters of [A-Za-z0-9._:-]",
                "#/lines/1/quantity: must be an integer from 1 to 1000",
                "#/lines/2: must be an object",
                "#/payment: is required and must be an object",
                "#/status: must be one of open, closed",
                "#/extra: is not a known member",
            ])
    }

    @Test(
        "a top level that is no object is one problem at the root",
        arguments: ["1", "\"a\"", "null", "true", "[]", "[{}]"])
    func topLevel(text: String) throws {
        #expect(try problems(in: text) { Order(&$0) } == ["#: must be an object"])
    }

    @Test("an empty object lacks every required member and no optional one")
    func empty() throws {
        let found = try problems(in: "{}") { Order(&$0) }
        #expect(found.map { $0.prefix { $0 != ":" } } == ["#/customerId", "#/lines", "#/payment", "#/status"])
        #expect(found.allSatisfy { $0.contains("is required") })
    }

    @Test("null is no value for a required member")
    func null() throws {
        let text = #"{"customerId":null,"lines":null,"payment":null,"status":null}"#
        #expect(
            try problems(in: text) { Order(&$0) } == [
                "#/customerId: must be a string of 1 to 64 characters of [A-Za-z0-9._:-]",
                "#/lines: must be an array of 1 to 3 elements",
                "#/payment: must be an object",
                "#/status: must be one of open, closed",
            ])
    }

    @Test("unknown members are skipped where they are ignored, at every depth")
    func ignored() throws {
        let text =
            #"{"v":1,"customerId":"c-1","lines":[{"sku":"A","x":[{}],"quantity":2}],"payment":{"token":"t"},"status":"open"}"#
        #expect(try problems(in: text, unknownMembers: .ignored) { Order(&$0) }.isEmpty)
        #expect(
            try problems(in: text) { Order(&$0) } == [
                "#/lines/0/x: is not a known member", "#/v: is not a known member",
            ])
    }

    @Test("more elements than allowed are one problem and are not looked at")
    func tooMany() throws {
        let many = Array(repeating: "0", count: 10_000).joined(separator: ",")
        #expect(
            try problems(in: "{\"a\":[\(many)]}") { $0.array("a", count: 1...100) { $0.integer(in: 1...9) } }
                == ["#/a: must be an array of 1 to 100 elements"])
        #expect(
            try problems(in: "{\"a\":[]}") { $0.array("a", count: 1...100) { $0.integer(in: 1...9) } }
                == ["#/a: must be an array of 1 to 100 elements"])
    }

    @Test("at most so many problems are listed")
    func limit() throws {
        let zeros = Array(repeating: "0", count: 50).joined(separator: ",")
        let text = "{\"a\":[\(zeros)],\"b\":1}"
        let found = try problems(in: text) { $0.array("a") { $0.integer(in: 1...9) } }
        #expect(found.count == 20)
        #expect(found.last == "#/a/19: must be an integer from 1 to 9")
        #expect(try problems(in: text, maximumProblems: 3) { $0.array("a") { $0.integer(in: 1...9) } }.count == 3)
    }

    @Test(
        "integers are numbers without fraction or exponent that lie in the range",
        arguments: [
            ("1", true), ("10", true), ("0", false), ("11", false), ("-1", false), ("1.0", false), ("1e0", false),
            ("\"1\"", false), ("true", false), ("null", false), ("[1]", false), ("99999999999999999999", false),
        ])
    func integers(text: String, isAccepted: Bool) throws {
        let found = try problems(in: "{\"n\":\(text)}") { $0.integer("n", in: 1...10) }
        #expect(found == (isAccepted ? [] : ["#/n: must be an integer from 1 to 10"]))
    }

    @Test("an integer that no 64 bits hold is a problem of its member, not of the document")
    func overflow() throws {
        for text in ["9223372036854775808", "-9223372036854775809", "1" + String(repeating: "0", count: 400)] {
            let found = try problems(in: "{\"n\":\(text)}") { $0.integer("n", in: Int64.min...Int64.max) }
            #expect(found == ["#/n: must be an integer from -9223372036854775808 to 9223372036854775807"])
        }
        #expect(try read(#"{"n":255}"#).decode { $0.integer("n", in: UInt8.min...UInt8.max) } == 255)
        #expect(
            try read(#"{"n":9223372036854775807}"#).decode { $0.integer("n", in: 0...UInt64.max) } == UInt64(Int64.max))
    }

    @Test(
        "a string's length counts code points",
        arguments: [
            ("", false), ("a", true), ("abc", true), ("abcd", false), ("ééé", true), ("😀😀😀", true), ("😀😀😀😀", false),
            ("e\\u0301e", true), ("\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00", true), ("\\n\\n\\n\\n", false),
        ])
    func lengths(content: String, isAccepted: Bool) throws {
        let found = try problems(in: "{\"s\":\"\(content)\"}") { $0.string("s", length: 1...3) }
        #expect(found == (isAccepted ? [] : ["#/s: must be a string of 1 to 3 characters"]))
    }

    @Test("a set of characters is what it says, escaped or not")
    func characterSets() throws {
        let set = JSONCharacters("A-Fx0-9_-")
        for value in UInt32(0)..<0x180 {
            let scalar = try #require(Unicode.Scalar(value))
            let isMember = "ABCDEFx0123456789_-".unicodeScalars.contains(scalar)
            let digits = String(value, radix: 16)
            let escaped = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            let found = try problems(in: "{\"s\":\"\(escaped)\"}") { $0.string("s", matching: set) }
            #expect(found == (isMember ? [] : ["#/s: must be a string of [A-Fx0-9_-]"]), "U+\(digits)")
            let isControl = value < 0x20 || (0x7F...0x9F).contains(value)
            let plain = try problems(in: "{\"s\":\"\(escaped)\"}") { $0.string("s", matching: .withoutControls) }
            #expect(plain == (isControl ? ["#/s: must be a string without control characters"] : []), "U+\(digits)")
            guard value >= 0x20, scalar != "\"", scalar != "\\" else { continue }
            let raw = try problems(in: "{\"s\":\"\(scalar)\"}") { $0.string("s", matching: .withoutControls) }
            #expect(raw.isEmpty == !isControl, "U+\(digits)")
        }
    }

    @Test("booleans, numbers, arrays of scalars and values of any kind")
    func otherTypes() throws {
        let text = #"{"b":true,"d":0.5,"a":["x","y"],"v":{"k":[1]}}"#
        try read(text).decode { object in
            #expect(object.boolean("b") == true)
            #expect(object.number("d", in: 0...1) == 0.5)
            #expect(object.array("a") { $0.string(length: 1...1) } == ["x", "y"])
            #expect(object.any("v")?["k"]?.count == 1)
        }
        let found = try problems(in: #"{"b":1,"d":1.5,"a":["x",1]}"#) { object in
            _ = object.boolean("b")
            _ = object.number("d", in: 0...1)
            _ = object.array("a") { $0.string() }
            _ = object.any("v")
        }
        #expect(
            found == [
                "#/b: must be true or false", "#/d: must be a number from 0.0 to 1.0", "#/a/1: must be a string",
                "#/v: is required",
            ])
    }

    @Test("the caller's own problems stand beside those of the decoder, in order")
    func customProblems() throws {
        let text = #"{"lines":[{"sku":"A"},{"sku":"B"},{"sku":"A"}],"from":5,"to":3}"#
        let found = try problems(in: text) { object in
            var seen: Set<String> = []
            _ = object.objects("lines") { line in
                if !seen.insert(line.string("sku")).inserted { line.refuse("sku", "is in an earlier line already") }
            }
            let (from, to) = (object.integer("from", in: 0...9), object.integer("to", in: 0...9))
            if from > to { object.refuse("must not end before it begins") }
            object.refuse("via", "is needed")
        }
        #expect(
            found == [
                "#/lines/2/sku: is in an earlier line already", "#: must not end before it begins", "#/via: is needed",
            ])
    }

    @Test("what lies inside something missing is not complained about as well")
    func noFollowUps() throws {
        let found = try problems(in: #"{"b":1}"#) { object in
            for name in ["a", "b"] as [StaticString] {
                object.object(name) { inner in
                    _ = inner.string("x")
                    _ = inner.objects("y", count: 1...2) { $0.integer("z", in: 0...1) }
                    inner.refuse("x", "is wrong")
                    inner.refuse("is wrong")
                }
            }
        }
        #expect(found == ["#/a: is required and must be an object", "#/b: must be an object"])
    }

    @Test("a type with a syntax of its own is read from a string")
    func customText() throws {
        struct Weekday: JSONTextDecodable, Equatable {
            static let jsonExpectation = "a day of the week"
            static let jsonPlaceholder = Weekday(number: 0)
            var number: Int
            init(number: Int) { self.number = number }
            init?(jsonText: String) {
                guard let number = ["mo", "tu"].firstIndex(of: jsonText) else { return nil }
                self.number = number
            }
        }
        #expect(try read(#"{"d":"tu"}"#).decode { $0.text("d", Weekday.self) } == Weekday(number: 1))
        #expect(
            try problems(in: #"{"d":"xx","e":1}"#) { object in
                _ = object.text("d", Weekday.self)
                _ = object.text("e", Weekday.self)
                _ = object.text("f", Weekday.self)
            } == [
                "#/d: must be a day of the week", "#/e: must be a day of the week",
                "#/f: is required and must be a day of the week",
            ])
    }

    @Test("an object of many members knows which were asked for")
    func manyMembers() throws {
        let members = (0..<100).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        let found = try problems(in: "{\(members)}", maximumProblems: 200) { object in
            #expect(object.integer("m99", in: 0...99) == 99)
            #expect(object.integer("m70", in: 0...99) == 70)
            #expect(object.integer("m70", in: 0...99) == 70)
            #expect(object.integer("m3", in: 0...99) == 3)
        }
        let expected = (0..<100).filter { ![3, 70, 99].contains($0) }.map { "#/m\($0): is not a known member" }
        #expect(found == expected)
    }

    @Test("an unknown member with a monstrous name does not make a monstrous answer")
    func longNames() throws {
        let name = String(repeating: "x", count: 100_000)
        #expect(
            try problems(in: "{\"\(name)\":1}") { _ in }
                == ["#: has an unknown member with a name of 100000 bytes"])
    }

    @Test("a value inside a document can be decoded, with pointers from the root")
    func nestedDecode() throws {
        let root = try read(#"{"data":[{"n":0}]}"#)
        let inner = try #require(root["data"]?.elements.first { _ in true })
        #expect(throws: JSONError.invalid([JSONProblem(at: ["data", 0, "n"], "must be an integer from 1 to 2")])) {
            try inner.decode { $0.integer("n", in: 1...2) }
        }
    }

    @Test("an error lists its problems in one line")
    func description() {
        let problems = [JSONProblem(at: ["a"], "is required"), JSONProblem(at: .root, "must be an object")]
        #expect(JSONError.invalid(problems).description == "#/a: is required; #: must be an object")
    }
}
