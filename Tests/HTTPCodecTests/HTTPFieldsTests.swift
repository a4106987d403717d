import HTTPCodec
import Testing

@Suite("Header fields")
struct HTTPFieldsTests {
    @Test("names are found whatever their case, the first value wins")
    func lookup() {
        let fields: HTTPFields = ["Content-Type": "text/plain", "X-A": "1", "x-a": "2"]
        #expect(fields["content-type"] == "text/plain")
        #expect(fields["X-a"] == "1")
        #expect(fields.values("x-A") == ["1", "2"])
        #expect(fields.count(of: "X-A") == 2)
        #expect(fields["X"] == nil)
    }

    @Test("order and spelling of the names are kept")
    func order() {
        let fields: HTTPFields = ["B": "1", "a": "2", "b": "3"]
        #expect(fields.map(\.name) == ["B", "a", "b"])
    }

    @Test("setting replaces every field of the name, removing leaves the others")
    func replacing() {
        var fields: HTTPFields = ["A": "1", "B": "2", "a": "3"]
        fields["A"] = "4"
        #expect(fields.map(\.value) == ["2", "4"])
        fields["b"] = nil
        #expect(fields.map(\.name) == ["A"])
    }

    @Test("a value cannot end its line or begin another field")
    func injection() {
        let fields: HTTPFields = ["Location": "/a\r\nSet-Cookie: x\u{0}\u{7F}"]
        #expect(fields["Location"] == "/a  Set-Cookie: x  ")
        #expect(fields.count == 1)
    }

    @Test("blanks around a value do not belong to it")
    func blanks() {
        let fields: HTTPFields = ["A": " \t b c \t"]
        #expect(fields["A"] == "b c")
    }

    @Test("a name that is no token is not added", arguments: ["", "a b", "a:b", "ä", "a\r\n", "a\u{0}"])
    func badNames(_ name: String) {
        var fields = HTTPFields()
        let added = fields.append(name, "x")
        #expect(!added)
        #expect(fields.isEmpty)
    }
}
