import JSON
import Testing

@Suite("The writer")
struct WriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        body(&json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test("commas and colons stand where they belong")
    func structure() {
        #expect(written { $0.object { _ in } } == "{}")
        #expect(written { $0.array { _ in } } == "[]")
        let text = written { json in
            json.object {
                $0.member("a", 1)
                $0.object("b") {
                    $0.member("c", "x")
                    $0.member("d", true)
                }
                $0.array("e") {
                    $0.value(1)
                    $0.array { _ in }
                    $0.object { $0.member("f", false) }
                    $0.null()
                }
                $0.array("g", [1, 2, 3]) { $0.value($1 * 2) }
                $0.array("h", [Int]()) { $0.value($1) }
                $0.name("i")
                $0.null()
            }
        }
        #expect(
            text
                == #"{"a":1,"b":{"c":"x","d":true},"e":[1,[],{"f":false},null],"g":[2,4,6],"h":[],"i":null}"#)
    }

    @Test("strings are escaped as far as they must be")
    func strings() {
        #expect(written { $0.string("") } == #""""#)
        #expect(written { $0.string("a\"b\\c/d") } == #""a\"b\\c/d""#)
        #expect(written { $0.string("\u{8}\u{C}\n\r\t") } == #""\b\f\n\r\t""#)
        #expect(written { $0.string("\0\u{1}\u{1F}\u{7F}") } == "\"\\u0000\\u0001\\u001f\u{7F}\"")
        #expect(written { $0.string("é€😀\u{2028}") } == "\"é€😀\u{2028}\"")
        #expect(written { $0.object { $0.member("a\"b", 1) } } == #"{"a\"b":1}"#)
        let dynamic = "n\n"
        #expect(
            written { json in
                json.object {
                    $0.name(dynamic); $0.value(1)
                }
            } == #"{"n\n":1}"#)
    }

    @Test("integers are exact")
    func integers() {
        for value in [0, 1, 9, 10, -1, -10, 99, 100, 1999, .max, .min] as [Int64] {
            #expect(written { $0.integer(value) } == String(value))
        }
        #expect(written { $0.value(UInt64.max) } == "18446744073709551615")
        #expect(written { $0.value(UInt16.max) } == "65535")
        #expect(written { $0.integer(UInt8(7)) } == "7")
    }

    @Test("doubles are the shortest that read back the same; what is no number is null")
    func doubles() throws {
        #expect(written { $0.number(0.1) } == "0.1")
        #expect(written { $0.number(0.002) } == "0.002")
        #expect(written { $0.number(-2) } == "-2.0")
        for value in [0, 1e16, 1e300, .leastNonzeroMagnitude, -0.0, .pi, .greatestFiniteMagnitude, 1.0 / 3] {
            let text = written { $0.number(value) }
            #expect(try read(text).double?.bitPattern == value.bitPattern, "\(text)")
        }
        for value in [Double.nan, .infinity, -.infinity] { #expect(written { $0.value(value) } == "null") }
    }

    @Test("optionals, arrays, enumerations and types of one's own write themselves")
    func encodables() {
        enum Color: String, JSONEncodable { case red }
        struct Point: JSONEncodable {
            func encode(to json: inout JSONWriter) { json.object { $0.member("x", 1) } }
        }
        struct Code: JSONTextEncodable {
            func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: "abc".utf8) }
        }
        let text = written { json in
            json.object {
                $0.member("none", String?.none)
                $0.member("some", Optional("x"))
                $0.member("list", [[1], []])
                $0.member("color", Color.red)
                $0.member("point", Point())
                $0.member("code", Code())
            }
        }
        #expect(text == #"{"none":null,"some":"x","list":[[1],[]],"color":"red","point":{"x":1},"code":"abc"}"#)
    }

    @Test("JSON that is there already is copied as it is")
    func raw() throws {
        let value = try #require(try read(#"{"a": [1, 2]}"#)["a"])
        let text = written { json in
            json.array {
                $0.value(value)
                $0.raw("{}".utf8)
                $0.object { $0.raw("x", "1.50".utf8) }
            }
        }
        #expect(text == #"[[1, 2],{},{"x":1.50}]"#)
    }

    @Test("a writer can go on behind other bytes")
    func appending() {
        var json = JSONWriter(appendingTo: Array("data: ".utf8))
        json.array { $0.value(1) }
        #expect(String(decoding: json.bytes, as: UTF8.self) == "data: [1]")
    }
}
