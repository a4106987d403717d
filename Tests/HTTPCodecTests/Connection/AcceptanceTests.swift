import Clocks
import HTTPCodec
import Testing

@Suite("Good requests")
struct AcceptanceTests {
    private func requests(_ text: String) -> [HTTPRequest] {
        var conversation = Conversation()
        conversation.send(text)
        return conversation.requests
    }

    @Test("a request arrives with its method, target, fields in order and body")
    func whole() throws {
        let request = try #require(
            requests("POST /v1/x?y=1 HTTP/1.1\r\nHost: a:8080\r\nX-A:1\r\nx-a: \t2 \t\r\nContent-Length: 3\r\n\r\nabc")
                .first)
        #expect(request.method == .post)
        #expect(request.target == "/v1/x?y=1")
        #expect(request.rawPath == "/v1/x")
        #expect(request.rawQuery == "y=1")
        #expect(request.fields.values("X-A") == ["1", "2"])
        #expect(request.fields.map(\.name) == ["Host", "X-A", "x-a", "Content-Length"])
        #expect(request.body == Array("abc".utf8))
        #expect(request.version == .http11)
    }

    @Test(
        "every way to name a host",
        arguments: ["a", "a.b:80", "a:", "127.0.0.1:8080", "[::1]", "[2001:db8::1]:443", "a_b", "xn--a"])
    func hosts(_ host: String) {
        #expect(requests("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").count == 1)
    }

    @Test(
        "an absolute target is brought into origin form",
        arguments: [
            ("http://a/b?c", "/b?c"), ("HTTP://a:80/b", "/b"), ("https://a", "/"), ("http://a?x=1", "/?x=1"),
        ])
    func absolute(_ target: String, _ expected: String) {
        #expect(requests("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").map(\.target) == [expected])
    }

    @Test("OPTIONS may ask about the server as a whole")
    func star() {
        #expect(requests("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").map(\.target) == ["*"])
    }

    @Test("methods are case-sensitive, and one without a meaning is the router's to refuse")
    func methods() {
        let text = ["get", "BREW", "PATCH"].map { "\($0) / HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        #expect(requests(text).map(\.method) == [.other("get"), .other("BREW"), .patch])
    }

    @Test("one empty line before a request is skipped, between requests too")
    func emptyLine() {
        let get = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(requests(get + get).count == 2)
    }

    @Test("a head of exactly 16 KiB is taken")
    func largestHead() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        let text = start + String(repeating: "a", count: 16_384 - start.utf8.count - 4) + "\r\n\r\n"
        #expect(requests(text).count == 1)
    }

    @Test("100 fields are taken")
    func manyFields() {
        let fields = String(repeating: "X: a\r\n", count: 99)
        #expect(requests("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n").first?.fields.count == 100)
    }

    @Test("a body of exactly 1 MiB is taken, of fixed length and chunked")
    func largestBody() {
        let body = String(repeating: "a", count: 1_048_576)
        let fixed = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + body
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n\(body)\r\n0\r\n\r\n"
        #expect(requests(fixed + chunked).map(\.body.count) == [1_048_576, 1_048_576])
    }

    @Test(
        "chunks are joined, extensions and trailers dropped",
        arguments: [
            "3\r\nabc\r\n0\r\n\r\n", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "0003\r\nabc\r\n000\r\n\r\n",
            "3;x=y\r\nabc\r\n0;z\r\n\r\n", "3;x=\"a b\"\r\nabc\r\n0\r\nTrailer: 1\r\nContent-Length: 9\r\n\r\n",
        ])
    func chunks(_ body: String) throws {
        let found = requests(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n\(body)GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        #expect(found.map(\.body) == [Array("abc".utf8), []])
        #expect(found.last?.target == "/next")
        #expect(found.first?.fields.contains("Trailer") == false)
    }

    @Test("a body may come with any method; without length and coding there is none")
    func bodies() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxPOST / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(requests(text).map(\.body) == [Array("x".utf8), []])
    }

    @Test("requests in one piece are handed out one by one, in order")
    func pipelining() {
        let text = (1...50).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        var waiting = Conversation { _ in nil }
        waiting.send(text)
        for number in 1...50 {
            #expect(waiting.requests.count == number)
            waiting.respond(HTTPResponse(contentType: "text/plain", bytes: Array("\(number)".utf8)))
        }
        let answers = AnswerReader.read(waiting.received, requests: waiting.requests)
        #expect(answers.map(\.bodyText) == (1...50).map(String.init))
    }

    @Test("Expect: 100-continue is answered before the body, then the request as ever")
    func expectContinue() {
        var conversation = Conversation()
        conversation.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
        #expect(conversation.text == "HTTP/1.1 100 Continue\r\n\r\n")
        conversation.send("x")
        #expect(conversation.statuses == [100, 200])
    }

    @Test(
        "no 100 Continue where no body is to come or the client is of 1.0",
        arguments: [
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
            "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
            "POST / HTTP/1.0\r\nExpect: something\r\nContent-Length: 1\r\n\r\nx",
        ])
    func noContinue(_ text: String) {
        var conversation = Conversation()
        conversation.send(text)
        #expect(conversation.statuses == [200])
    }
}
