import Clocks
import Glibc
import HTTPClient
import HTTPCodec
import Testing

@Suite("HTTP client: exchanges")
struct ExchangeTests {
    @Test("an answer arrives whole: status, fields in order, body")
    func answer() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send(
                status: "201 Created", fields: "Location: /v1/orders/1\r\nX-A: 1\r\nx-a:  2 \r\n", body: "{}")
        }
        defer { server.stop() }
        let response = try await HTTPClient.make().get(server.url)
        #expect(response.status == .created)
        #expect(response.fields["location"] == "/v1/orders/1")
        #expect(response.fields.values("X-A") == ["1", "2"])
        #expect(response.body.text == "{}")
    }

    @Test("what goes out is the request and nothing of libcurl's own: no Accept, Expect, User-Agent, form type")
    func requestBytes() async throws {
        let server = RawServer { $0.answerAll() }
        defer { server.stop() }
        let client = HTTPClient.make()
        let body = String(repeating: "x", count: 5000)
        _ = try await client.execute(
            HTTPClientRequest(
                .post, url: server.url + "/v1/orders?limit=1",
                fields: ["Idempotency-Key": "k", "X-Empty": "", "Host": "evil", "Content-Length": "1"],
                body: Array(body.utf8)),
            deadline: SystemTime().now.advanced(by: .seconds(20)))
        #expect(
            server.requests == [
                "POST /v1/orders?limit=1 HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nIdempotency-Key: k\r\n"
                    + "X-Empty:\r\nContent-Length: 5000\r\n\r\n\(body)"
            ])
    }

    @Test(
        "every method goes out under its name, with a length exactly when there is a body",
        arguments: [
            (HTTPMethod.get, nil, nil), (.head, nil, nil), (.delete, nil, nil), (.options, nil, nil), (.post, nil, nil),
            (.put, "", "0"), (.post, "", "0"), (.put, "ab", "2"), (.patch, "ab", "2"), (.delete, "ab", "2"),
        ] as [(HTTPMethod, String?, String?)])
    func methods(method: HTTPMethod, body: String?, length: String?) async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send(
                method == .head ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" : "HTTP/1.1 204 No\r\n\r\n")
        }
        defer { server.stop() }
        let response = try await HTTPClient.make().execute(
            HTTPClientRequest(method, url: server.url + "/p", body: body.map { Array($0.utf8) }),
            deadline: SystemTime().now.advanced(by: .seconds(20)))
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("\(method.name) /p HTTP/1.1\r\n"))
        #expect(request.contains("Content-Length:") == (length != nil))
        if let length { #expect(request.contains("Content-Length: \(length)\r\n")) }
        #expect(request.hasSuffix("\r\n\r\n" + (body ?? "")))
        #expect(response.body.isEmpty)
    }

    @Test("a chunked body is put together; its trailers are no fields of the answer")
    func chunked() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n")
        }
        defer { server.stop() }
        let response = try await HTTPClient.make().get(server.url)
        #expect(response.body.text == "abcde")
        #expect(!response.fields.contains("X-Late"))
    }

    @Test("an interim answer is not the answer")
    func interim() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            connection.send(status: "404 Not Found", body: "no")
        }
        defer { server.stop() }
        let response = try await HTTPClient.make().get(server.url)
        #expect(response.status == .notFound)
        #expect(!response.fields.contains("Link"))
    }

    @Test("a redirect is an answer and is not followed")
    func redirect() async throws {
        let server = RawServer { connection in
            while connection.readRequest() != nil {
                connection.send(status: "302 Found", fields: "Location: /b\r\n", body: "")
            }
        }
        defer { server.stop() }
        #expect(try await HTTPClient.make().get(server.url + "/a").status.code == 302)
        #expect(server.requests.count == 1)
    }

    @Test("a proxy from the environment is not used")
    func proxy() async throws {
        await #expect(processExitsWith: .success) {
            setenv("http_proxy", "http://127.0.0.1:1", 1)
            setenv("ALL_PROXY", "http://127.0.0.1:1", 1)
            let server = RawServer { $0.answerAll() }
            let response = try await HTTPClient.make().get(server.url)
            precondition(response.status == .ok)
        }
    }

    @Test("requests one after the other share a connection, and a handle's reuse leaves nothing of the call before")
    func keepAlive() async throws {
        let server = RawServer { $0.answerAll() }
        defer { server.stop() }
        let client = HTTPClient.make()
        for round in 0..<20 {
            if round.isMultiple(of: 2) {
                _ = try await client.post(server.url)
            } else {
                _ = try await client.get(server.url)
            }
        }
        #expect(server.connectionCount == 1)
        #expect(client.statistics.connectionsOpened == 1)
        #expect(client.statistics.finished == 20)
        #expect(server.requests.filter { $0.hasPrefix("GET ") }.allSatisfy { !$0.contains("Content-") })
    }

    @Test("a connection that the server has closed in the meantime is not used: the POST arrives once, on a new one")
    func closedWhileIdle() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send(body: "bye")
        }
        defer { server.stop() }
        let client = HTTPClient.make()
        for _ in 0..<5 {
            _ = try await client.post(server.url)
            await server.waitForClosedConnections()
        }
        #expect(server.requests.count == 5)
        #expect(server.connectionCount == 5)
    }

    @Test("2 000 requests of 50 tasks all get their own answer")
    func many() async throws {
        let server = RawServer { connection in
            while let request = connection.readRequest() {
                connection.send(body: String(request.dropFirst(5).prefix { $0 != " " }))
            }
        }
        defer { server.stop() }
        let client = HTTPClient.make { $0.connectionsPerAuthority = 8 }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for task in 0..<50 {
                group.addTask {
                    var wrong = 0
                    for round in 0..<40 {
                        let name = "\(task)-\(round)"
                        let response = try? await client.get(server.url + "/" + name)
                        if response?.body.text != name { wrong += 1 }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
        #expect(server.connectionCount <= 8)
        #expect(client.statistics.running == 0)
    }
}
