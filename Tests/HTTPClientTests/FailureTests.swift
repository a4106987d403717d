import Clocks
import Glibc
import HTTPClient
import HTTPCodec
import Testing

/// One row per way a call can fail: what it is called, and whether the server may have seen the request.
///
/// Deadlines and connect timeouts of some tens of milliseconds are real here: libcurl has a clock of its own.
@Suite("HTTP client: failures")
struct FailureTests {
    private func expect(
        _ error: HTTPClientError, _ code: HTTPClientError.Code, _ sent: HTTPClientError.Sent,
        _ phase: HTTPClientError.Phase, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        #expect(error.sent == sent, "\(error)", sourceLocation: sourceLocation)
        #expect(error.phase == phase, "\(error)", sourceLocation: sourceLocation)
    }

    @Test("refused: certainly not sent")
    func refused() async throws {
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in
            try await client.post("http://127.0.0.1:\(RawServer.unusedPort())")
        }
        expect(error, .connectFailed, .certainlyNotSent, .connecting)
        #expect(error.isRetriable && !error.isTimeout)
    }

    @Test("a name without an address: certainly not sent")
    func unknownName() async throws {
        let client = HTTPClient.make { $0.connectTimeout = .seconds(15) }
        // An empty label is refused by every resolver without asking the network.
        let error = try await failure { () throws(HTTPClientError) in try await client.post("http://a..invalid/") }
        expect(error, .nameNotResolved, .certainlyNotSent, .connecting)
    }

    @Test("a full backlog: the connect timeout ends it, certainly not sent")
    func fullBacklog() async throws {
        let server = RawServer(backlog: 0)
        defer { server.stop() }
        let occupants = (0..<4).map { _ in server.occupyBacklog() }
        defer { for occupant in occupants { close(occupant) } }
        let client = HTTPClient.make { $0.connectTimeout = .milliseconds(60) }
        let error = try await failure { () throws(HTTPClientError) in try await client.post(server.url) }
        expect(error, .connectTimedOut, .certainlyNotSent, .connecting)
        #expect(error.isTimeout)
    }

    @Test("a full backlog and an early deadline: certainly not sent")
    func deadlineWhileConnecting() async throws {
        let server = RawServer(backlog: 0)
        defer { server.stop() }
        let occupants = (0..<4).map { _ in server.occupyBacklog() }
        defer { for occupant in occupants { close(occupant) } }
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in
            try await client.post(server.url, within: .milliseconds(60))
        }
        expect(error, .deadlineExceeded, .certainlyNotSent, .connecting)
    }

    @Test("no answer until the deadline: unknown")
    func stall() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.waitForClose()
        }
        defer { server.stop() }
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in
            try await client.post(server.url, within: .milliseconds(60))
        }
        expect(error, .deadlineExceeded, .unknown, .waiting)
        #expect(error.isTimeout && error.isRetriable)
    }

    @Test("an answer that stops in its body: unknown")
    func stallInBody() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.waitForClose()
        }
        defer { server.stop() }
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in
            try await client.post(server.url, within: .milliseconds(60))
        }
        expect(error, .deadlineExceeded, .unknown, .reading)
    }

    @Test(
        "a connection that ends too early: unknown",
        arguments: [
            ("", true), ("", false), ("HTTP/1.1 200 OK\r\nContent-", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", false),
        ])
    func lost(answer: String, reset: Bool) async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send(answer)
            if reset { connection.resetAtClose() }
        }
        defer { server.stop() }
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in try await client.post(server.url) }
        #expect(error.code == .connectionLost, "\(error)")
        #expect(error.sent == .unknown)
        #expect(server.requests.count == 1)
    }

    @Test(
        "what is no answer: unknown",
        arguments: [
            "garbage\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/3.7 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na",
        ])
    func garbage(answer: String) async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send(answer)
        }
        defer { server.stop() }
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in try await client.post(server.url) }
        #expect(error.code == .malformedResponse || error.code == .connectionLost, "\(error)")
        #expect(error.sent == .unknown)
    }

    @Test("a head over the limit is cut off: unknown")
    func largeHead() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\n")
            for index in 0..<100 { connection.send("X-\(index): \(String(repeating: "x", count: 100))\r\n") }
            connection.waitForClose()
        }
        defer { server.stop() }
        let client = HTTPClient.make { $0.headLimit = 4096 }
        let error = try await failure { () throws(HTTPClientError) in try await client.get(server.url) }
        expect(error, .headTooLarge, .unknown, .waiting)
        #expect(!error.isRetriable)
    }

    @Test(
        "a body over the limit is cut off, with a length and without; at the limit it is taken",
        arguments: [true, false])
    func largeBody(announced: Bool) async throws {
        let server = RawServer { connection in
            while let request = connection.readRequest() {
                let body = String(repeating: "x", count: request.hasPrefix("GET /fits") ? 1000 : 1001)
                if announced {
                    connection.send(body: body)
                } else {
                    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    connection.send("\(String(body.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n")
                }
            }
        }
        defer { server.stop() }
        let client = HTTPClient.make { $0.bodyLimit = 1000 }
        #expect(try await client.get(server.url + "/fits").body.count == 1000)
        let error = try await failure { () throws(HTTPClientError) in try await client.get(server.url) }
        expect(error, .bodyTooLarge, .unknown, .reading)
        #expect(try await client.get(server.url + "/fits").body.count == 1000)
    }

    @Test(
        "a request that must not go on a wire is refused before it does",
        arguments: [
            "", "127.0.0.1", "ftp://127.0.0.1/", "file:///etc/passwd", "http:/a", "http://", "http://:80/", "http:///a",
            "http://u:p@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/a\r\nX: y", "http://127.0.0.1/#f",
            "http://127.0.0.1/é",
        ])
    func invalidURL(url: String) async throws {
        let client = HTTPClient.make()
        let error = try await failure { () throws(HTTPClientError) in try await client.get(url) }
        expect(error, .invalidRequest, .certainlyNotSent, .queued)
    }

    @Test("a port that is none, a method that is no token, a GET with a body are refused")
    func invalidRequest() async throws {
        let client = HTTPClient.make()
        let bad = [
            HTTPClientRequest(.get, url: "http://127.0.0.1:70000/"),
            HTTPClientRequest(.other("A B"), url: "http://127.0.0.1:1/"),
            HTTPClientRequest(.other(""), url: "http://127.0.0.1:1/"),
            HTTPClientRequest(.get, url: "http://127.0.0.1:1/", body: []),
        ]
        for request in bad {
            let error = try await failure { () throws(HTTPClientError) in
                try await client.execute(request, deadline: SystemTime().now.advanced(by: .seconds(20)))
            }
            #expect(error.code == .invalidRequest, "\(error)")
            #expect(error.sent == .certainlyNotSent)
        }
    }

    @Test("an error reads as one sentence that names place, phase and effect")
    func description() {
        let error = HTTPClientError(
            .deadlineExceeded, sent: .unknown, phase: .waiting, authority: "http://h:1", detail: "too slow")
        #expect(
            "\(error)" == "deadlineExceeded at http://h:1 while waiting: too slow; the request may have been received")
    }
}
