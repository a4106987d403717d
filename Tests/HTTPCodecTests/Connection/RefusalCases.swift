import Testing

/// A broken request and the status it is refused with.
struct RefusalCase: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var status: Int

    init(_ status: Int, _ name: String, _ text: String) {
        self.init(status, name, Array(text.utf8))
    }

    init(_ status: Int, _ name: String, _ bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        self.status = status
    }

    var testDescription: String { "\(status) \(name)" }

    private static let host = "Host: a\r\n"
    private static func post(_ fields: String, _ body: String = "") -> String {
        "POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body
    }
    private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }
    private static func get(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" }

    static let all = requestLine + fields + hosts + lengths + codings + chunks + sizes

    static let requestLine: [RefusalCase] = [
        RefusalCase(400, "no version", "GET /\r\n\r\n"),
        RefusalCase(400, "only a method", "GET\r\n\r\n"),
        RefusalCase(400, "two blanks behind the method", "GET  / HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "two blanks before the version", "GET /  HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a tab instead of a blank", "GET\t/ HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a blank in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a blank before the method", " GET / HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a blank behind the version", "GET / HTTP/1.1 \r\n" + host + "\r\n"),
        RefusalCase(400, "a method that is no token", "G(T / HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "NUL in the target", "GET /\u{0} HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a byte over 127 in the target", "GET /ä HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a fragment in the target", "GET /#a HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a target without slash", "GET a HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a star with GET", "GET * HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "an absolute target without host", "GET http:///a HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "an absolute target with user info", "GET http://u@a/ HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "an absolute target of another scheme", "GET ftp://a/ HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a version in lower case", "GET / http/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a version of three parts", "GET / HTTP/1.1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a version without minor part", "GET / HTTP/1\r\n" + host + "\r\n"),
        RefusalCase(505, "version 1.2", "GET / HTTP/1.2\r\n" + host + "\r\n"),
        RefusalCase(505, "version 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        RefusalCase(505, "version 0.9", "GET / HTTP/0.9\r\n" + host + "\r\n"),
        RefusalCase(501, "CONNECT", "CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(501, "a method longer than any", String(repeating: "X", count: 25) + " / HTTP/1.1\r\n\r\n"),
        RefusalCase(400, "a bare LF", "GET / HTTP/1.1\nHost: a\n\n"),
        RefusalCase(400, "two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "a bare LF first", "\nGET / HTTP/1.1\r\n" + host + "\r\n"),
        RefusalCase(400, "the first bytes of TLS", [0x16, 0x03, 0x01, 0x02, 0x00]),
    ]

    static let fields: [RefusalCase] = [
        RefusalCase(400, "a field line that ends with a bare LF", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        RefusalCase(400, "a bare CR in a value", get("X: a\rb\r\n")),
        RefusalCase(400, "CR CR LF", get("X: a\r\r\n")),
        RefusalCase(400, "NUL in a value", get("X: a\u{0}b\r\n")),
        RefusalCase(400, "NUL that hides a field", get("X\u{0}Content-Length: 5\r\n")),
        RefusalCase(400, "a control byte in a value", get("X: a\u{1}\r\n")),
        RefusalCase(400, "DEL in a value", get("X: a\u{7F}\r\n")),
        RefusalCase(400, "a control byte in a name", get("X\u{8}: a\r\n")),
        RefusalCase(400, "a byte over 127 in a name", get("Ä: a\r\n")),
        RefusalCase(400, "a folded line", get("X: a\r\n b\r\n")),
        RefusalCase(400, "a line folded by a tab", get("X: a\r\n\tb\r\n")),
        RefusalCase(400, "a blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        RefusalCase(400, "a blank before the colon", get("X : a\r\n")),
        RefusalCase(400, "a tab before the colon", get("X\t: a\r\n")),
        RefusalCase(400, "a field without colon", get("X\r\n")),
        RefusalCase(400, "a field without name", get(": a\r\n")),
        RefusalCase(400, "a blank in a name", get("X Y: a\r\n")),
        RefusalCase(417, "an unknown expectation", post("Expect: 200-ok\r\nContent-Length: 1\r\n", "x")),
        RefusalCase(417, "two expectations", post("Expect: 100-continue\r\nExpect: 100-continue\r\n")),
        RefusalCase(417, "an empty expectation", get("Expect:\r\n")),
    ]

    static let hosts: [RefusalCase] = [
        RefusalCase(400, "no Host in 1.1", "GET / HTTP/1.1\r\n\r\n"),
        RefusalCase(400, "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        RefusalCase(400, "two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
        RefusalCase(400, "an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        RefusalCase(400, "a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        RefusalCase(400, "a Host with user info", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        RefusalCase(400, "a Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
        RefusalCase(400, "a Host with a bad port", "GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n"),
        RefusalCase(400, "a Host with two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"),
        RefusalCase(400, "an IPv6 Host without bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    ]

    static let lengths: [RefusalCase] = [
        RefusalCase(400, "two lengths that differ", post("Content-Length: 1\r\nContent-Length: 2\r\n", "xx")),
        RefusalCase(400, "the same length twice", post("Content-Length: 1\r\nContent-Length: 1\r\n", "x")),
        RefusalCase(400, "a list of lengths", post("Content-Length: 1, 1\r\n", "x")),
        RefusalCase(400, "a negative length", post("Content-Length: -1\r\n")),
        RefusalCase(400, "a length with a plus", post("Content-Length: +1\r\n", "x")),
        RefusalCase(400, "a hexadecimal length", post("Content-Length: 0x1\r\n", "x")),
        RefusalCase(400, "a length with a fraction", post("Content-Length: 1.0\r\n", "x")),
        RefusalCase(400, "an empty length", post("Content-Length:\r\n")),
        RefusalCase(400, "a length with blanks inside", post("Content-Length: 1 1\r\n", "x")),
        RefusalCase(400, "a length that is a word", post("Content-Length: ten\r\n")),
        RefusalCase(413, "a length one over the limit", post("Content-Length: 1048577\r\n")),
        RefusalCase(413, "a length no integer holds", post("Content-Length: 99999999999999999999999\r\n")),
        RefusalCase(413, "a length of 2^64", post("Content-Length: 18446744073709551616\r\n")),
        RefusalCase(
            413, "a length over the limit with an expectation",
            post("Expect: 100-continue\r\nContent-Length: 9999999\r\n")),
    ]

    static let codings: [RefusalCase] = [
        RefusalCase(
            400, "length and coding", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        RefusalCase(
            400, "coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")),
        RefusalCase(
            400, "coding and length 0", post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n")),
        RefusalCase(
            400, "two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        RefusalCase(
            400, "a coding hidden behind another",
            post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        RefusalCase(400, "chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
        RefusalCase(400, "identity", post("Transfer-Encoding: identity\r\n")),
        RefusalCase(400, "chunked not last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")),
        RefusalCase(400, "an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        RefusalCase(400, "a coding in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
        RefusalCase(400, "an empty coding", post("Transfer-Encoding:\r\n")),
        RefusalCase(400, "a vertical tab before chunked", post("Transfer-Encoding: \u{B}chunked\r\n")),
        RefusalCase(501, "gzip, then chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")),
        RefusalCase(
            400, "a coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]

    static let chunks: [RefusalCase] = [
        RefusalCase(400, "a size that is no number", chunked("x\r\n")),
        RefusalCase(400, "an empty size", chunked("\r\n")),
        RefusalCase(400, "a negative size", chunked("-1\r\n")),
        RefusalCase(400, "a size with 0x", chunked("0x1\r\na\r\n0\r\n\r\n")),
        RefusalCase(400, "a blank before the size", chunked(" 1\r\na\r\n0\r\n\r\n")),
        RefusalCase(400, "a blank behind the size", chunked("1 \r\na\r\n0\r\n\r\n")),
        RefusalCase(400, "a bare LF behind the size", chunked("1\na\r\n0\r\n\r\n")),
        RefusalCase(400, "a bare CR in an extension", chunked("1;a\rb\r\na\r\n0\r\n\r\n")),
        RefusalCase(400, "a bare LF in an extension", chunked("1;a\nb\r\na\r\n0\r\n\r\n")),
        RefusalCase(400, "NUL in an extension", chunked("1;\u{0}\r\na\r\n0\r\n\r\n")),
        RefusalCase(400, "an extension without size", chunked(";a\r\n")),
        RefusalCase(400, "a size line without end", chunked("1;" + String(repeating: "a", count: 300))),
        RefusalCase(400, "more data than the size", chunked("1\r\nab\r\n0\r\n\r\n")),
        RefusalCase(400, "data that ends with a bare LF", chunked("1\r\na\n0\r\n\r\n")),
        RefusalCase(400, "data that ends with a bare CR", chunked("1\r\na\r0\r\n\r\n")),
        RefusalCase(400, "a folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n")),
        RefusalCase(400, "a trailer without colon", chunked("0\r\nA\r\n\r\n")),
        RefusalCase(400, "a trailer with a blank before the colon", chunked("0\r\nA : b\r\n\r\n")),
        RefusalCase(400, "NUL in a trailer", chunked("0\r\nA: \u{0}\r\n\r\n")),
        RefusalCase(400, "a bare LF behind the trailers", chunked("0\r\n\n")),
        RefusalCase(413, "a size over the limit", chunked("100001\r\n")),
        RefusalCase(413, "a size no integer holds", chunked("fffffffffffffffffff\r\n")),
        RefusalCase(413, "sizes that add up to over the limit", chunked("1\r\na\r\n100000\r\n")),
        RefusalCase(
            431, "trailers without end", chunked("0\r\n" + String(repeating: "A: bbbbbbbbbbbb\r\n", count: 1200))),
        RefusalCase(431, "101 trailers", chunked("0\r\n" + String(repeating: "A: b\r\n", count: 101) + "\r\n")),
    ]

    static let sizes: [RefusalCase] = [
        RefusalCase(414, "a request line over 16 KiB", "GET /" + String(repeating: "a", count: 16_384)),
        RefusalCase(431, "a field over 16 KiB", get("X: " + String(repeating: "a", count: 16_384) + "\r\n")),
        RefusalCase(
            431, "fields over 16 KiB",
            get(
                String(repeating: "X: aaaaaaaaaaaaaaaaaaaa\r\n", count: 90)
                    + "Y: " + String(repeating: "b", count: 15_000) + "\r\n")),
        RefusalCase(431, "101 fields", get(String(repeating: "X: a\r\n", count: 100))),
    ]
}
