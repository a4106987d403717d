import Clocks
import HTTPCodec
import Testing

@Suite("Deadlines, half-closed clients, draining")
struct DeadlineTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Sends a byte a second, which must not prolong anything.
    private func drip(_ byte: String, seconds: Int, into conversation: inout Conversation) {
        for _ in 0..<seconds {
            conversation.advance(by: .seconds(1))
            conversation.send(byte)
        }
    }

    @Test("a head that is not complete after 10 s gets 408, however steadily it drips")
    func head() {
        var conversation = Conversation()
        conversation.advance(by: .seconds(30))
        conversation.send("GET / HTTP/1.1\r\nX: ")
        drip("a", seconds: 9, into: &conversation)
        #expect(conversation.received.isEmpty)
        conversation.advance(by: .seconds(1))
        #expect(conversation.statuses == [408])
        #expect(conversation.text.contains("urn:holdfast:problem:request-timeout"))
        #expect(conversation.outputEnded)
    }

    @Test("a body that is not complete 30 s after its head gets 408, however steadily it drips")
    func body() {
        var conversation = Conversation()
        conversation.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        drip("a", seconds: 29, into: &conversation)
        #expect(conversation.received.isEmpty)
        conversation.advance(by: .seconds(1))
        #expect(conversation.statuses == [408])
        #expect(conversation.requests.isEmpty)
    }

    @Test("a connection idle for 60 s closes without a word, a new one too")
    func idle() {
        var fresh = Conversation()
        fresh.advance(by: .seconds(60))
        #expect(fresh.outputEnded && fresh.received.isEmpty)

        var used = Conversation()
        used.advance(by: .seconds(50))
        used.send(Self.get)
        used.advance(by: .milliseconds(59_999))
        #expect(!used.outputEnded)
        used.advance(by: .milliseconds(1))
        #expect(used.outputEnded && used.statuses == [200])
    }

    @Test("a handler may take as long as it likes")
    func handling() {
        var conversation = Conversation { _ in nil }
        conversation.send(Self.get)
        #expect(conversation.connection.deadline == .distantFuture)
        conversation.advance(by: .seconds(1000))
        conversation.respond(HTTPResponse(status: .ok))
        #expect(conversation.statuses == [200])
        #expect(conversation.connection.deadline == conversation.now.advanced(by: .seconds(60)))
    }

    @Test("the head's time of a pipelined request begins when its turn comes")
    func pipelinedHead() {
        var conversation = Conversation { _ in nil }
        conversation.send(Self.get + "GET /b")
        conversation.advance(by: .seconds(100))
        conversation.respond(HTTPResponse(status: .ok))
        conversation.advance(by: .milliseconds(9_999))
        #expect(conversation.statuses == [200])
        conversation.advance(by: .milliseconds(1))
        #expect(conversation.statuses == [200, 408])
    }

    @Test("a client that takes nothing for 60 s is cut off, one that takes what waited gets more time")
    func slowReader() {
        var conversation = Conversation { _ in
            HTTPResponse(contentType: "text/plain", bytes: Array(repeating: 0x61, count: 100_000))
        }
        conversation.room = 1000
        conversation.send(Self.get)
        var patient = conversation
        conversation.advance(by: .milliseconds(59_999))
        #expect(conversation.closed == nil)
        conversation.advance(by: .milliseconds(1))
        #expect(conversation.closed == .reset)

        // A kilobyte every ten seconds would take a quarter of an hour: that is not taking what waited.
        for _ in 0..<6 {
            patient.room = 1000
            patient.run()
            patient.advance(by: .seconds(10))
        }
        #expect(patient.closed == .reset)
    }

    @Test("a client that reads all of it in time is served on")
    func readerCatchesUp() {
        var conversation = Conversation { _ in
            HTTPResponse(contentType: "text/plain", bytes: Array(repeating: 0x61, count: 100_000))
        }
        conversation.room = 1000
        conversation.send(Self.get)
        conversation.advance(by: .seconds(59))
        conversation.room = nil
        conversation.run()
        conversation.advance(by: .seconds(59))
        #expect(conversation.closed == nil && !conversation.outputEnded)
    }

    @Test("while a client does not read, no further pipelined request is begun")
    func unreadAnswers() {
        var conversation = Conversation { _ in
            HTTPResponse(contentType: "text/plain", bytes: Array(repeating: 0x61, count: 50_000))
        }
        conversation.room = 0
        conversation.send(String(repeating: Self.get, count: 10))
        #expect(conversation.requests.count == 2)
        conversation.room = nil
        conversation.run()
        #expect(conversation.requests.count == 10)
        #expect(conversation.statuses == Array(repeating: 200, count: 10))
    }

    @Test("behind a request in hand only a bounded amount is read ahead")
    func readAhead() {
        var conversation = Conversation { _ in nil }
        conversation.send(Self.get)
        #expect(conversation.connection.wantsInput)
        conversation.send(Array(repeating: 0x61, count: 64 * 1024))
        #expect(!conversation.connection.wantsInput)
    }

    @Test("a half-closed client gets an answer that is ready at once, and nobody is cancelled")
    func halfClosed() {
        var conversation = Conversation()
        conversation.send(Self.get)
        conversation.endInput()
        #expect(conversation.statuses == [200])
        #expect(conversation.handlerCancels == 0)
        #expect(conversation.closed == .orderly)
    }

    @Test("a client that ends while its request is handled cancels the handler after the grace, once")
    func disconnect() {
        var conversation = Conversation { _ in nil }
        conversation.send(Self.get)
        conversation.endInput()
        conversation.advance(by: .milliseconds(249))
        #expect(conversation.handlerCancels == 0)
        conversation.advance(by: .milliseconds(1))
        conversation.advance(by: .seconds(100))
        #expect(conversation.handlerCancels == 1)
        conversation.respond(HTTPResponse(status: .serviceUnavailable))
        #expect(conversation.statuses == [503])
        #expect(AnswerReader.read(conversation.received)[0].closes)
        #expect(conversation.closed == .orderly)
    }

    @Test("an answer within the grace reaches the half-closed client")
    func shortAnswer() {
        var conversation = Conversation { _ in nil }
        conversation.send(Self.get)
        conversation.endInput()
        conversation.advance(by: .milliseconds(100))
        conversation.respond(HTTPResponse(status: .ok))
        #expect(conversation.statuses == [200])
        #expect(conversation.handlerCancels == 0)
        #expect(conversation.closed == .orderly)
    }

    @Test("all that a half-closed client pipelined is answered")
    func halfClosedPipeline() {
        var conversation = Conversation()
        conversation.send(Self.get + Self.get)
        conversation.endInput()
        #expect(conversation.statuses == [200, 200])
        #expect(conversation.closed == .orderly)
    }

    @Test("draining closes an idle connection at once")
    func drainIdle() {
        var conversation = Conversation()
        conversation.send(Self.get)
        conversation.connection.drain(now: conversation.now)
        conversation.run()
        #expect(conversation.outputEnded)
        conversation.send(Self.get)
        #expect(conversation.requests.count == 1)
    }

    @Test("a client that keeps its idle connection open does not hold up a drain")
    func drainIdleForgotten() {
        var conversation = Conversation()
        conversation.send(Self.get)
        conversation.connection.drain(now: conversation.now)
        conversation.run()
        #expect(conversation.closed == nil)
        conversation.advance(by: HTTPLimits().idleLingerTimeout)
        #expect(conversation.closed == .orderly)
    }

    @Test("draining lets the request in hand finish, says close, and begins no other")
    func drainBusy() {
        var conversation = Conversation { _ in nil }
        conversation.send(Self.get + Self.get)
        conversation.connection.drain(now: conversation.now)
        conversation.run()
        #expect(!conversation.outputEnded)
        conversation.respond(HTTPResponse(status: .ok))
        #expect(conversation.statuses == [200])
        #expect(AnswerReader.read(conversation.received)[0].closes)
        #expect(conversation.outputEnded && conversation.requests.count == 1)
    }

    @Test("draining lets a request that has begun to arrive come in")
    func drainHead() {
        var conversation = Conversation()
        conversation.send("GET / HTTP/1.1\r\n")
        conversation.connection.drain(now: conversation.now)
        conversation.run()
        conversation.send("Host: a\r\n\r\n")
        #expect(conversation.statuses == [200])
        #expect(conversation.outputEnded)
    }
}
