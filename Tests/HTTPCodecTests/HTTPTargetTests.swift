import HTTPCodec
import Testing

@Suite("Paths and queries")
struct HTTPTargetTests {
    @Test(
        "a path is split before it is decoded",
        arguments: [
            ("/", [""]), ("/v1/orders", ["v1", "orders"]), ("/v1/orders/", ["v1", "orders", ""]),
            ("/a//b", ["a", "", "b"]), ("/v1/%6Frders?x=1", ["v1", "orders"]), ("/a%2Fb/c", ["a/b", "c"]),
            ("/a/../b/%2e%2E", ["a", "..", "b", ".."]), ("/caf%C3%A9", ["café"]), ("/a+b", ["a+b"]),
        ])
    func segments(_ target: String, _ expected: [String]) throws {
        #expect(try HTTPRequest(target: target).pathSegments() == expected)
    }

    @Test(
        "a path with a broken escape, NUL or invalid UTF-8 is refused",
        arguments: ["/%", "/%4", "/%zz", "/a%0", "/%00", "/%ff", "/%C3", "/%ED%A0%80", "/%+1"])
    func badPaths(_ target: String) {
        #expect(throws: HTTPTargetError.self) { try HTTPRequest(target: target).pathSegments() }
    }

    @Test("parameters are decoded in order, with a plus as a blank")
    func query() throws {
        let query = try HTTPRequest(target: "/x?sku=a&sku=b%26&name=A+B%2B&empty=&flag&").queryParameters()
        #expect(query.values("sku") == ["a", "b&"])
        #expect(try query.value("name") == "A B+")
        #expect(try query.value("empty") == "")
        #expect(try query.value("flag") == "")
        #expect(try query.value("absent") == nil)
    }

    @Test("no question mark and nothing behind it both mean no parameters")
    func noQuery() throws {
        #expect(try HTTPRequest(target: "/x").queryParameters().isEmpty)
        #expect(try HTTPRequest(target: "/x?").queryParameters().isEmpty)
    }

    @Test(
        "a parameter that cannot be read is named",
        arguments: [
            ("/x?limit=%zz", "limit"), ("/x?a=1&cursor=%00", "cursor"), ("/x?status=%ff", "status"),
            ("/x?%zz=1", "%zz"), ("/x?=1", ""),
        ])
    func badParameters(_ target: String, _ name: String) {
        #expect {
            try HTTPRequest(target: target).queryParameters()
        } throws: { error in
            guard case .parameter(name, detail: _) = error as? HTTPTargetError else { return false }
            return true
        }
    }

    @Test("a parameter given twice has no single value")
    func repeated() throws {
        let query = try HTTPRequest(target: "/x?limit=1&limit=2").queryParameters()
        #expect(throws: HTTPTargetError.parameter("limit", detail: "is given 2 times")) { try query.value("limit") }
    }

    @Test("a mistyped parameter is named and not passed over")
    func unknown() throws {
        let query = try HTTPRequest(target: "/v1/orders?custmerId=c").queryParameters()
        #expect {
            try query.requireOnly(["customerId", "limit"])
        } throws: { error in
            guard case .parameter("custmerId", detail: _) = error as? HTTPTargetError else { return false }
            return true
        }
    }
}
