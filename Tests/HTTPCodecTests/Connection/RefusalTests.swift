import HTTPCodec
import Testing

@Suite("Broken requests")
struct RefusalTests {
    @Test(
        "a broken request gets its one answer, reaches no handler and ends the connection", arguments: RefusalCase.all)
    func refused(_ refusal: RefusalCase) throws {
        var conversation = Conversation()
        conversation.send(refusal.bytes)
        let answers = AnswerReader.read(conversation.received)
        #expect(answers.map(\.status) == [refusal.status])
        #expect(conversation.requests.isEmpty)
        #expect(answers.first?.closes == true)
        #expect(conversation.outputEnded)
    }

    @Test("what follows a broken request is never interpreted", arguments: RefusalCase.all)
    func nothingBehind(_ refusal: RefusalCase) {
        var conversation = Conversation()
        conversation.send(refusal.bytes + Array("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        conversation.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(conversation.requests.isEmpty)
        #expect(AnswerReader.read(conversation.received).count == 1)
    }

    @Test("a broken request behind a good one ends the connection after the good one's answer")
    func behindGood() {
        var conversation = Conversation()
        conversation.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(conversation.requests.map(\.target) == ["/a"])
        #expect(conversation.statuses == [200, 400])
    }

    @Test(
        "where the contract names a problem, the answer is one; otherwise it is bare",
        arguments: [
            (414, "uri-too-long"), (431, "headers-too-large"), (413, "payload-too-large"),
            (417, "expectation-failed"), (400, nil), (501, nil), (505, nil),
        ])
    func documents(_ status: Int, _ slug: String?) throws {
        let refusal = try #require(RefusalCase.all.first { $0.status == status })
        var conversation = Conversation()
        conversation.send(refusal.bytes)
        let answer = try #require(AnswerReader.read(conversation.received).first)
        if let slug {
            #expect(answer.head.contains("content-type: application/problem+json"))
            #expect(answer.bodyText.contains("\"type\":\"urn:holdfast:problem:\(slug)\""))
        } else {
            #expect(answer.body.isEmpty)
            #expect(answer.head.contains("content-length: 0"))
        }
    }

    @Test("a refused HEAD has no body")
    func refusedHead() {
        var conversation = Conversation()
        conversation.send("HEAD /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n")
        #expect(conversation.text.hasPrefix("HTTP/1.1 413 "))
        #expect(conversation.text.hasSuffix("\r\n\r\n"))
    }

    @Test(
        "a request that breaks off is never handed out",
        arguments: [
            "G", "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        ])
    func truncated(_ text: String) {
        var conversation = Conversation()
        conversation.send(text)
        #expect(conversation.received.isEmpty)
        conversation.endInput()
        #expect(conversation.requests.isEmpty)
        #expect(conversation.statuses == [400])
        #expect(conversation.closed == .orderly)
    }
}
