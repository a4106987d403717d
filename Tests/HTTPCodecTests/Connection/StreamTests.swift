import Clocks
import HTTPCodec
import Testing

@Suite("Streamed answers")
struct StreamTests {
    private static let stream = HTTPResponse(
        status: .ok, fields: ["Content-Type": "text/event-stream"], body: .stream(HTTPBodyStream { _ in }))

    private func open(_ request: String = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", limits: HTTPLimits = HTTPLimits())
        -> Conversation
    {
        var conversation = Conversation(limits: limits) { _ in Self.stream }
        conversation.send(request)
        return conversation
    }

    private func write(_ text: String, to conversation: inout Conversation) {
        conversation.connection.writeBody(Array(text.utf8))
        conversation.run()
    }

    @Test("each piece is a chunk and is sent at once; the last one ends the body and the connection lives on")
    func chunked() {
        var conversation = open()
        #expect(conversation.streams.count == 1)
        #expect(conversation.text.contains("Transfer-Encoding: chunked\r\n"))
        write("hello world, hello", to: &conversation)
        #expect(conversation.text.hasSuffix("\r\n\r\n12\r\nhello world, hello\r\n"))
        write("", to: &conversation)
        conversation.connection.endBody(now: conversation.now)
        conversation.answer = Conversation.describe
        conversation.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(
            AnswerReader.read(conversation.received, requests: conversation.requests).map(\.bodyText)
                == ["hello world, hello", "GET /b 0"])
    }

    @Test("a client of 1.0 gets the bare bytes until the connection ends")
    func closeDelimited() {
        var conversation = open("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        write("abc", to: &conversation)
        conversation.connection.endBody(now: conversation.now)
        conversation.run()
        #expect(conversation.text.hasSuffix("Connection: close\r\n\r\nabc"))
        #expect(conversation.outputEnded)
    }

    @Test("HEAD of a stream is answered without running it")
    func head() {
        let conversation = open("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(conversation.streams.isEmpty)
        #expect(conversation.text.hasSuffix("Transfer-Encoding: chunked\r\n\r\n"))
    }

    @Test("a stream that is given up ends without its last chunk, in 1.0 with a reset")
    func abort() {
        var modern = open()
        write("abc", to: &modern)
        modern.connection.abortBody(now: modern.now)
        modern.run()
        #expect(modern.text.hasSuffix("3\r\nabc\r\n"))
        #expect(modern.outputEnded)

        var old = open("GET / HTTP/1.0\r\n\r\n")
        old.connection.abortBody(now: old.now)
        old.run()
        #expect(old.closed == .reset)
    }

    @Test("with too much unsent the connection is cut")
    func unsentLimit() {
        var limits = HTTPLimits()
        limits.unsentBytes = 1000
        var conversation = open(limits: limits)
        conversation.room = 0
        write(String(repeating: "a", count: 900), to: &conversation)
        #expect(conversation.closed == nil)
        write(String(repeating: "a", count: 200), to: &conversation)
        #expect(conversation.closed == .reset)
        #expect(conversation.connection.unsentCount == 0)
    }

    @Test("the client's end of stream cancels the writer at once")
    func clientEnds() {
        var conversation = open()
        conversation.endInput()
        #expect(conversation.handlerCancels == 1)
        #expect(conversation.closed == nil)
        conversation.connection.abortBody(now: conversation.now)
        conversation.run()
        #expect(conversation.closed == .orderly)
    }

    @Test("a stream has no deadline of its own")
    func endless() {
        var conversation = open()
        conversation.advance(by: .seconds(100_000))
        write("x", to: &conversation)
        #expect(conversation.text.hasSuffix("1\r\nx\r\n"))
    }
}
