import Clocks
import Glibc
import HTTPCodec
import HTTPServer
import Testing

@Suite("Answers that are broken off", .timeLimit(.minutes(1)))
struct AbortTests {
    private static let handler: HTTPHandler = { request in
        switch request.target {
        case "/nothing/end": return .abort(reset: false)
        case "/nothing/reset": return .abort(reset: true)
        case "/part/end": return text("0123456789").abort(after: .bytes(4), reset: false)
        case "/part/reset":
            await hop()
            return text("0123456789").abort(after: .bytes(4), reset: true)
        case "/all": return text("0123456789").abort(after: .bytes(10), reset: false)
        case "/empty": return HTTPResponse(status: .noContent).abort(after: .bytes(10), reset: false)
        default: return text("whole")
        }
    }

    /// What came before the end, and how the connection ended: 0 for an orderly end of stream.
    private static func received(_ client: Client) async -> (text: String, code: Int32) {
        do {
            _ = try await client.read { _ in false }
            return ("", -1)
        } catch Client.Failure.broken(let code, let received) {
            return (received, code)
        } catch {
            return ("\(error)", -1)
        }
    }

    @Test(
        "nothing of the answer is sent, and the connection ends as asked",
        arguments: [("/nothing/end", 0), ("/nothing/reset", ECONNRESET), ("/empty", 0)])
    func nothing(target: String, ending: Int32) async throws {
        try await withServer(handler: Self.handler) { server, port in
            let client = try Client(port: port)
            client.get(target)
            let (text, code) = await Self.received(client)
            #expect(text == "" && code == ending)
        }
    }

    @Test(
        "the head announces the whole body, of which a part comes",
        arguments: [("/part/end", 0, "0123"), ("/part/reset", ECONNRESET, "0123"), ("/all", 0, "012345678")])
    func part(target: String, ending: Int32, body: String) async throws {
        try await withServer(handler: Self.handler) { _, port in
            let client = try Client(port: port)
            client.get(target)
            let (text, code) = await Self.received(client)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.contains("\r\nContent-Length: 10\r\n"))
            #expect(text.hasSuffix("\r\n\r\n" + body) && code == ending)
        }
    }

    @Test("a HEAD, whose answer has no body to cut, gets nothing")
    func head() async throws {
        try await withServer(handler: Self.handler) { _, port in
            let client = try Client(port: port)
            client.send("HEAD /part/end HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("answers before it on the connection are sent, requests behind it are not begun, other connections live on")
    func neighbours() async throws {
        try await withServer(handler: Self.handler) { server, port in
            let other = try Client(port: port)
            let client = try Client(port: port)
            client.send(
                ["/", "/nothing/end", "/"].map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            let received = try await client.readToEnd()
            #expect(received.hasSuffix("\r\n\r\nwhole") && received.components("HTTP/1.1 200") == 1)
            other.get("/")
            #expect(try await other.answer().text == "whole")
            #expect(server.statistics.requests == 3)
        }
    }

    @Test("it counts as abandoned and not as answered")
    func observed() async throws {
        let answered = Box(0)
        let abandoned = Signal()
        let observer: @Sendable (HTTPServerEvent) -> Void = { event in
            switch event {
            case .answered: answered.update { $0 += 1 }
            case .abandoned: abandoned.raise()
            case .refused: break
            }
        }
        try await withServer(observer: observer, handler: Self.handler) { server, port in
            let client = try Client(port: port)
            client.get("/part/reset")
            _ = await Self.received(client)
            try await abandoned.wait()
            #expect(answered.value == 0)
            #expect(server.statistics.abandoned == 1 && server.statistics.requestsInFlight == 0)
        }
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(_ part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
