import Clocks
import HTTPCodec
import Testing

@Suite("Answers")
struct AnswerTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private func answer(_ response: HTTPResponse, to request: String = get) -> Conversation {
        var conversation = Conversation { _ in response }
        conversation.send(request)
        return conversation
    }

    @Test("an answer has status line, date, fields, length and body")
    func whole() {
        let conversation = answer(HTTPResponse.json(Array("{}".utf8), status: .created))
        #expect(
            conversation.text == """
                HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n\
                Content-Length: 2\r\n\r\n{}
                """)
        #expect(!conversation.outputEnded)
    }

    @Test("a status without a phrase keeps the blank")
    func unknownStatus() {
        #expect(answer(HTTPResponse(status: HTTPStatus(299))).text.hasPrefix("HTTP/1.1 299 \r\n"))
    }

    @Test("what frames the answer is the server's: such fields of a handler are dropped")
    func overruled() {
        let fields: HTTPFields = [
            "content-length": "99", "Transfer-Encoding": "chunked", "Date": "x", "Connection": "upgrade", "X": "y",
        ]
        let head = AnswerReader.read(answer(HTTPResponse(status: .ok, fields: fields)).received)[0].head
        #expect(head == ["date: sun, 06 nov 1994 08:49:37 gmt", "x: y", "content-length: 0"])
    }

    @Test("HEAD gets the head of the GET and no body")
    func head() {
        let response = HTTPResponse.json(Array("{}".utf8))
        let conversation = answer(response, to: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(conversation.text.hasSuffix("Content-Length: 2\r\n\r\n"))
    }

    @Test("204 and 304 have neither body nor length", arguments: [HTTPStatus.noContent, .notModified])
    func bodiless(_ status: HTTPStatus) {
        let text = answer(HTTPResponse(status: status, body: .bytes([1, 2]))).text
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(!text.contains("Content-Length"))
    }

    @Test(
        "who keeps the connection",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, nil),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "close"),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false, "close"),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false, "close"),
            ("GET / HTTP/1.0\r\n\r\n", false, "close"),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "keep-alive"),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive, x\r\n\r\n", true, "keep-alive"),
            ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false, "close"),
        ])
    func persistence(_ request: String, _ keeps: Bool, _ field: String?) {
        let conversation = answer(HTTPResponse(status: .ok), to: request)
        let head = AnswerReader.read(conversation.received)[0].head
        #expect(head.first { $0.hasPrefix("connection:") } == field.map { "connection: \($0)" })
        #expect(conversation.outputEnded == !keeps)
    }

    @Test("after Connection: close nothing more is served")
    func nothingAfterClose() {
        var conversation = Conversation()
        conversation.send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + Self.get)
        #expect(conversation.requests.count == 1)
        #expect(conversation.statuses == [200])
    }

    @Test("a handler can close the connection by its answer")
    func handlerCloses() {
        let conversation = answer(HTTPResponse(status: .ok, fields: ["Connection": "close"]))
        #expect(AnswerReader.read(conversation.received)[0].closes)
        #expect(conversation.outputEnded)
    }

    @Test("our end of stream comes first, the socket closes at the client's, at the latest after two seconds")
    func lingering() {
        var closing = answer(HTTPResponse(status: .ok), to: "GET / HTTP/1.0\r\n\r\n")
        #expect(closing.outputEnded && closing.closed == nil)
        var late = closing
        closing.send("still talking")
        closing.endInput()
        #expect(closing.closed == .orderly)
        late.advance(by: .milliseconds(1999))
        #expect(late.closed == nil)
        late.advance(by: .milliseconds(1))
        #expect(late.closed == .orderly)
    }

    @Test("the date is made anew when the second changes and not before")
    func date() {
        var date = HTTPDate(Timestamp(microseconds: 999_999))
        #expect(String(decoding: date.text, as: UTF8.self) == "Thu, 01 Jan 1970 00:00:00 GMT")
        date.update(to: Timestamp(microseconds: 1_000_000))
        #expect(String(decoding: date.text, as: UTF8.self) == "Thu, 01 Jan 1970 00:00:01 GMT")
    }

    @Test(
        "dates of every kind of year",
        arguments: [
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ])
    func calendar(_ seconds: Int64, _ expected: String) {
        let date = HTTPDate(Timestamp(microseconds: seconds * 1_000_000))
        #expect(String(decoding: date.text, as: UTF8.self) == expected)
    }
}
