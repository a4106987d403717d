import JSON
import Testing

@Suite("The canonical form")
struct CanonicalFormTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: try JSONDocument(parsing: Array(text.utf8)).canonicalBytes, as: UTF8.self)
    }

    @Test("order of members, white space and escapes make no difference")
    func equalDocuments() throws {
        let form = #"{"a":[1,{"x":null,"y":"é\n"}],"b":true}"#
        #expect(try canonical(form) == form)
        #expect(
            try canonical(" { \"b\" : true ,\n\"a\" : [ 1 , {\"y\":\"\\u00e9\\u000a\",\"\\u0078\":null} ] } ") == form)
        #expect(try canonical(#""\/\u002f\u0022\u005C\u0001\u007f😀\ud83d\ude00""#) == "\"//\\\"\\\\\\u0001\u{7F}😀😀\"")
    }

    @Test("members are sorted by the bytes of their names, a prefix first")
    func sorting() throws {
        #expect(
            try canonical(#"{"b":1,"aa":2,"a":3,"é":4,"B":5,"":6,"\uffff":7,"😀":8}"#)
                == "{\"\":6,\"B\":5,\"a\":3,\"aa\":2,\"b\":1,\"é\":4,\"\u{FFFF}\":7,\"😀\":8}")
    }

    @Test(
        "equal numbers have one form",
        arguments: [
            ("0", ["-0", "0.0", "-0.00", "0e5", "0E-99999999999999999999"]),
            ("1", ["1.0", "1e0", "10e-1", "0.1e1", "1.000E+000"]),
            ("-15e-1", ["-1.5", "-15e-1", "-0.15e1", "-150e-2"]),
            ("1e2", ["100", "1e2", "1E+02", "1000e-1", "0.01e4"]),
            ("1999", ["1999", "1999.0", "1.999e3"]),
            ("123456789012345678901234567891", ["123456789012345678901234567891.0"]),
            (
                "1e100000000000000000000",
                ["1e100000000000000000000", "10e99999999999999999999", "0.1e100000000000000000001"]
            ),
            (
                "1e-100000000000000000000",
                ["1e-100000000000000000000", "10e-100000000000000000001", "0.01e-99999999999999999998"]
            ),
            ("1e99999999999999999", ["0.1e100000000000000000"]),
        ])
    func numbers(form: String, texts: [String]) throws {
        for text in texts { #expect(try canonical(text) == form, "\(text)") }
    }

    @Test("unequal documents have unequal forms")
    func injective() throws {
        let texts = [
            "0", "1", "-1", "10", "1e-1", "0.1", "0.10000000000000000001", "\"1\"", "null", "\"null\"", "true", "false",
            "[]",
            "{}", "[[]]", "[1]", "[1,1]", "[11]", "[[1],1]", #"{"a":1}"#, #"{"a":"1"}"#, #"{"b":1}"#, #"{"a":{"b":1}}"#,
            #"{"a":1,"b":1}"#, #"{"a\",\"b":1}"#, #""a\"b""#, #""a\\\"b""#, "\"é\"", #""e\u0301""#, #""\u0000""#,
            #""\\u0000""#,
            "9007199254740993", "9007199254740992",
        ]
        // Bytes, not strings: `String` holds composed and decomposed letters for equal.
        var seen: [[UInt8]: String] = [:]
        for text in texts where text != "0.1" {
            let form = Array(try canonical(text).utf8)
            #expect(seen.updateValue(text, forKey: form) == nil, "\(text) and \(seen[form] ?? "")")
        }
        #expect(try canonical("0.1") == canonical("1e-1"))
    }
}
