import JSON
import Testing

@Suite("Values")
struct ValueTests {
    @Test("a value is read as what it is and as nothing else")
    func kinds() throws {
        let root = try read(#"{"s":"a\nb","i":-42,"f":1.5,"t":true,"n":null,"a":[1,[2],{}],"o":{"x":{"y":7}}}"#)
        #expect(root.kind == .object)
        #expect(root.count == 7)
        #expect(root["s"]?.string == "a\nb")
        #expect(root["s"]?.int64 == nil)
        #expect(root["i"]?.int64 == -42)
        #expect(root["i"]?.double == -42)
        #expect(root["i"]?.string == nil)
        #expect(root["f"]?.double == 1.5)
        #expect(root["f"]?.int64 == nil)
        #expect(root["t"]?.bool == true)
        #expect(root["t"]?.isNull == false)
        #expect(root["n"]?.isNull == true)
        #expect(root["n"]?.bool == nil)
        #expect(root["a"]?.elements.map(\.kind) == [.number, .array, .object])
        #expect(root["a"]?.members.contains { _ in true } == false)
        #expect(root["o"]?["x"]?["y"]?.int64 == 7)
        #expect(root["absent"] == nil)
        #expect(root["s"]?["x"] == nil)
        #expect(root.members.map(\.name) == ["s", "i", "f", "t", "n", "a", "o"])
        #expect(root.elements.underestimatedCount == 0)
    }

    @Test(
        "integers are exact to the last of 64 bits and never rounded or wrapped",
        arguments: [
            ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("0", 0), ("-0", 0),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("92233720368547758070", nil),
            ("100000000000000000000000", nil), ("1.0", nil), ("1e2", nil), ("-1E0", nil),
        ] as [(String, Int64?)])
    func integers(text: String, value: Int64?) throws {
        #expect(try read(text).int64 == value)
        #expect(try read(text).numberText == text)
    }

    @Test("numbers beyond the range of a double are no doubles")
    func doubles() throws {
        #expect(try read("1e308").double == 1e308)
        #expect(try read("1e309").double == nil)
        #expect(try read("-1e999").double == nil)
        #expect(try read("5e-324").double == .leastNonzeroMagnitude)
        #expect(try read("0.1").double == 0.1)
        #expect(try read("-0").double?.sign == .minus)
    }

    @Test("members are found by their unescaped names, byte for byte")
    func names() throws {
        let root = try read(#"{"a\u0062c":1,"é":2,"e\u0301":3,"":4}"#)
        #expect(root["abc"]?.int64 == 1)
        #expect(root["ab"] == nil)
        #expect(root["abcd"] == nil)
        #expect(root["\u{E9}"]?.int64 == 2)
        #expect(root["e\u{301}"]?.int64 == 3)
        #expect(root[""]?.int64 == 4)
        #expect(root.member(named: "a" + "bc")?.int64 == 1)
    }

    @Test("a value knows its source text")
    func source() throws {
        let root = try read(#" { "a" : [ 1 , "x\ty" ] , "b" : -1.50 } "#)
        func text(_ value: JSONValue?) -> String? { value.map { String(decoding: $0.source, as: UTF8.self) } }
        #expect(text(root) == #"{ "a" : [ 1 , "x\ty" ] , "b" : -1.50 }"#)
        #expect(text(root["a"]) == #"[ 1 , "x\ty" ]"#)
        #expect(root["a"]?.elements.map { text($0) } == ["1", #""x\ty""#])
        #expect(text(root["b"]) == "-1.50")
    }

    @Test("a value knows its pointer, escaped for JSON Pointer and for a URI")
    func pointers() throws {
        let root = try read(#"{"a":[0,{"b/c~d":[[],[true]]}],"é %\"":{"":1}}"#)
        #expect(root.pointer.fragment == "#")
        let list = Array(try #require(root["a"]).elements)
        #expect(list[0].pointer.fragment == "#/a/0")
        let inner = Array(try #require(list[1]["b/c~d"]).elements)
        #expect(inner[1].pointer.fragment == "#/a/1/b~1c~0d/1")
        #expect(inner[1].elements.map(\.pointer.fragment) == ["#/a/1/b~1c~0d/1/0"])
        #expect(root["é %\""]?[""]?.pointer.fragment == "#/%C3%A9%20%25%22/")
        let built: JSONPointer = ["lines", 3, .member("a^b"), .index(0)]
        #expect(built.fragment == "#/lines/3/a%5Eb/0")
    }
}
