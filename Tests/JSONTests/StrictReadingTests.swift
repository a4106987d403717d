import JSON
import Testing

@Suite("Strict reading")
struct StrictReadingTests {
    @Test(
        "well-formed documents are accepted",
        arguments: [
            "null", "true", "false", "0", "-0", "1.5", "-1.5e-3", "1E+2", "\"\"", "\"a\"", "[]", "{}", " [ ] ",
            "\t{\n}\r",
            "[1,2,3]", "[[],[[]],{}]", #"{"a":1,"b":[true,null]}"#, #"{"":0}"#, "\"é€😀\"", #""\"\\\/\b\f\n\r\t""#,
            #""\u0041\u00e9\u20AC""#, #""\ud83d\ude00""#, #""\u0000""#, "123456789012345678901234567890", "1e999",
            "\"\u{7F}\"",
            "\"\u{FFFF}\"", "[ 1 , 2 ]", #"{"a" : {"a" : 1}}"#, #"{"é":1,"e\u0301":2}"#,
        ])
    func accepted(text: String) {
        #expect(refusal(of: text) == nil)
    }

    @Test(
        "what is not JSON is refused with its reason and byte offset",
        arguments: [
            ("", .empty, 0),
            ("  \n", .empty, 3),
            ("\u{FEFF}{}", .byteOrderMark, 0),
            ("{", .unexpectedEnd, 1),
            ("[1", .unexpectedEnd, 2),
            ("\"a", .unexpectedEnd, 2),
            (#"{"a"#, .unexpectedEnd, 3),
            (#"{"a":"#, .unexpectedEnd, 5),
            ("[1,", .unexpectedEnd, 3),
            ("-", .unexpectedEnd, 1),
            ("1.", .unexpectedEnd, 2),
            ("1e", .unexpectedEnd, 2),
            (#""\u12"#, .unexpectedEnd, 5),
            ("[1,]", .trailingComma, 2),
            (#"{"a":1,}"#, .trailingComma, 6),
            ("[,1]", .unexpectedByte(UInt8(ascii: ","), expected: .value), 1),
            ("[1,,2]", .unexpectedByte(UInt8(ascii: ","), expected: .value), 3),
            ("{,}", .unexpectedByte(UInt8(ascii: ","), expected: .name), 1),
            ("[1 2]", .unexpectedByte(UInt8(ascii: "2"), expected: .commaOrBracket), 3),
            ("[1}", .unexpectedByte(UInt8(ascii: "}"), expected: .commaOrBracket), 2),
            (#"{"a":1]"#, .unexpectedByte(UInt8(ascii: "]"), expected: .commaOrBrace), 6),
            (#"{"a" 1}"#, .unexpectedByte(UInt8(ascii: "1"), expected: .colon), 5),
            (#"{"a"}"#, .unexpectedByte(UInt8(ascii: "}"), expected: .colon), 4),
            ("{a:1}", .unexpectedByte(UInt8(ascii: "a"), expected: .name), 1),
            ("{'a':1}", .unexpectedByte(UInt8(ascii: "'"), expected: .name), 1),
            ("{1:2}", .unexpectedByte(UInt8(ascii: "1"), expected: .name), 1),
            ("'a'", .unexpectedByte(UInt8(ascii: "'"), expected: .value), 0),
            ("tru", .unexpectedByte(UInt8(ascii: "t"), expected: .value), 0),
            ("True", .unexpectedByte(UInt8(ascii: "T"), expected: .value), 0),
            ("nul", .unexpectedByte(UInt8(ascii: "n"), expected: .value), 0),
            ("undefined", .unexpectedByte(UInt8(ascii: "u"), expected: .value), 0),
            ("]", .unexpectedByte(UInt8(ascii: "]"), expected: .value), 0),
            ("+1", .unexpectedByte(UInt8(ascii: "+"), expected: .value), 0),
            (".5", .unexpectedByte(UInt8(ascii: "."), expected: .value), 0),
            ("// x\n1", .unexpectedByte(UInt8(ascii: "/"), expected: .value), 0),
            ("[1 /* x */]", .unexpectedByte(UInt8(ascii: "/"), expected: .commaOrBracket), 3),
            ("\u{A0}1", .unexpectedByte(0xC2, expected: .value), 0),
            ("\u{B}1", .unexpectedByte(0x0B, expected: .value), 0),
            ("{} {}", .trailingBytes, 3),
            ("1 2", .trailingBytes, 2),
            ("0x10", .trailingBytes, 1),
            ("1_000", .trailingBytes, 1),
            ("nullx", .trailingBytes, 4),
            ("{}\0", .trailingBytes, 2),
            ("NaN", .notANumber, 0),
            ("[Infinity]", .notANumber, 1),
            ("-Infinity", .notANumber, 1),
            ("01", .leadingZero, 0),
            ("-00", .leadingZero, 1),
            ("1.e5", .missingDigit, 2),
            ("1.x", .missingDigit, 2),
            ("1e+,", .missingDigit, 3),
            ("-a", .missingDigit, 1),
            ("\"a\nb\"", .controlCharacter(0x0A), 2),
            ("\"a\tb\"", .controlCharacter(0x09), 2),
            ("\"\0\"", .controlCharacter(0x00), 1),
            (#""\x41""#, .invalidEscape, 1),
            (#""\'""#, .invalidEscape, 1),
            (#""\u12g4""#, .invalidEscape, 1),
            (#""\U0041""#, .invalidEscape, 1),
            (#""\ud800""#, .loneSurrogate, 1),
            (#""a\udc00""#, .loneSurrogate, 2),
            (#""\ud800\ud800""#, .loneSurrogate, 1),
            (#""\ud800\u0041""#, .loneSurrogate, 1),
            (#""\ud800\n""#, .loneSurrogate, 1),
            (#""\ude00\ud83d""#, .loneSurrogate, 1),
        ] as [(String, JSONSyntaxError.Reason, Int)])
    func refused(text: String, reason: JSONSyntaxError.Reason, offset: Int) {
        let error = refusal(of: text)
        #expect(error?.reason == reason)
        #expect(error?.offset == offset)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xE2, 0x82],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xFE], [0xFF], [0xE2, 0x28, 0xA1],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        #expect(refusal(of: [quote, 0x61] + bytes + [quote])?.reason == .invalidUTF8)
        #expect(refusal(of: [quote, 0x61] + bytes + [quote])?.offset == 2)
        #expect(refusal(of: [quote] + bytes) != nil)
    }

    @Test("UTF-16 and UTF-32 are refused")
    func otherEncodings() {
        #expect(refusal(of: [0xFF, 0xFE, 0x7B, 0, 0x7D, 0]) != nil)
        #expect(refusal(of: [0, 0x7B, 0, 0x7D]) != nil)
    }

    @Test("every code point is read back, raw and escaped")
    func allScalars() throws {
        for value in stride(from: UInt32(0x20), through: 0x10FFFF, by: 97) {
            guard let scalar = Unicode.Scalar(value), scalar != "\"", scalar != "\\" else { continue }
            #expect(try read("\"\(scalar)\"").string == String(Character(scalar)))
            let units = String(Character(scalar)).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
            #expect(try read("\"\(units.joined())\"").string == String(Character(scalar)))
        }
    }

    @Test("containers may nest to the limit and no further")
    func depth() {
        func nested(_ count: Int) -> String {
            String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        #expect(refusal(of: nested(32)) == nil)
        #expect(refusal(of: nested(33))?.reason == .tooDeep(maximum: 32))
        #expect(refusal(of: nested(33))?.offset == 32)
        #expect(refusal(of: String(repeating: #"{"a":"#, count: 33))?.reason == .tooDeep(maximum: 32))
        #expect(refusal(of: nested(40), maximumDepth: 40) == nil)
        #expect(refusal(of: "1", maximumDepth: 0) == nil)
        #expect(refusal(of: "[]", maximumDepth: 0)?.reason == .tooDeep(maximum: 0))
        let siblings = "[" + Array(repeating: nested(31), count: 50).joined(separator: ",") + "]"
        #expect(refusal(of: siblings) == nil)
    }

    @Test(
        "a name that occurs twice in one object is refused at its second place",
        arguments: [
            (#"{"a":1,"a":2}"#, "a", 7),
            (#"{"a":1,"\u0061":2}"#, "a", 7),
            (#"{"\u0061":1,"a":2}"#, "a", 12),
            (#"{"a":{"b":1},"c":[{"b":1}],"b":2,"a":3}"#, "a", 33),
            (#"{"":1,"":2}"#, "", 6),
            (#"{"x":{"k":1,"k":1}}"#, "k", 12),
            (#"{"é":1,"\u00e9":2}"#, "é", 8),
        ])
    func duplicates(text: String, name: String, offset: Int) {
        #expect(refusal(of: text)?.reason == .duplicateName(name))
        #expect(refusal(of: text)?.offset == offset)
    }

    @Test("the first repetition in the document is reported, also among many members")
    func duplicateAmongMany() {
        var members = (0..<100).map { #""name\#($0)":0"# }
        members[60] = #""name7":0"#
        members[50] = #""n\u0061me3":0"#
        let text = "{" + members.joined(separator: ",") + "}"
        #expect(refusal(of: text)?.reason == .duplicateName("name3"))
    }

    @Test("a long repeated name is cut in the error")
    func longDuplicate() {
        let name = String(repeating: "x", count: 1000)
        #expect(
            refusal(of: #"{"\#(name)":1,"\#(name)":2}"#)?.reason
                == .duplicateName(String(repeating: "x", count: 64) + "…"))
    }

    @Test(
        "line and column count from 1, columns in code points",
        arguments: [
            ("x", 1, 1),
            ("{\n  \"a\": x\n}", 2, 8),
            ("{\r\n  \"a\": x\r\n}", 2, 8),
            ("[\"é€😀\", x]", 1, 9),
            ("\n\n\n", 4, 1),
            ("[1,\n2,\n]", 2, 2),
        ])
    func lineAndColumn(text: String, line: Int, column: Int) {
        let error = refusal(of: text)
        #expect(error?.line == line)
        #expect(error?.column == column)
    }

    @Test("an error reads as a sentence with its place")
    func sentences() {
        #expect(refusal(of: "[1,]")?.description == "line 1, column 3: a comma must be followed by another value")
        #expect(refusal(of: "{\n\"a\";1}")?.description == "line 2, column 4: expected a colon, found ';'")
        #expect(refusal(of: "\u{1}")?.description == "line 1, column 1: expected a value, found byte 0x01")
        #expect(
            refusal(of: #"{"a":1,"a":2}"#)?.description
                == "line 1, column 8: the object already has a member named \"a\"")
    }
}
