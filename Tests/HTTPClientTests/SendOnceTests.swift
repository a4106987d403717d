import Clocks
import HTTPClient
import HTTPCodec
import Testing

@Suite("HTTP client: sent once")
struct SendOnceTests {
    /// Answers the first request of each connection and drops it at the second, having read it.
    private func serverThatDropsReusedConnections() -> RawServer {
        RawServer { connection in
            connection.readRequest()
            connection.send(body: "first")
            connection.readRequest()
        }
    }

    @Test(
        "a POST is never sent twice when the reused connection dies without an answer",
        arguments: [HTTPMethod.post, .put, .delete, .patch])
    func unsafeMethods(method: HTTPMethod) async throws {
        let server = serverThatDropsReusedConnections()
        defer { server.stop() }
        let client = HTTPClient.make()
        _ = try await client.get(server.url)
        let error = try await failure { () throws(HTTPClientError) in
            try await client.execute(
                HTTPClientRequest(method, url: server.url, body: Array("{}".utf8)),
                deadline: SystemTime().now.advanced(by: .seconds(20)))
        }
        #expect(error.code == .connectionLost, "\(error)")
        #expect(error.sent == .unknown)
        #expect(server.requests.filter { $0.hasPrefix(method.name + " ") }.count == 1)
    }

    @Test("a reset of the reused connection is no reason to send a POST again either")
    func reset() async throws {
        let server = RawServer { connection in
            connection.readRequest()
            connection.send(body: "first")
            connection.readRequest()
            connection.resetAtClose()
        }
        defer { server.stop() }
        let client = HTTPClient.make()
        _ = try await client.post(server.url)
        let error = try await failure { () throws(HTTPClientError) in try await client.post(server.url) }
        #expect(error.code == .connectionLost, "\(error)")
        #expect(error.sent == .unknown)
        #expect(server.requests.count == 2)
    }

    @Test("a GET may be sent again on a new connection: it asks for nothing to be done")
    func safeMethod() async throws {
        let server = serverThatDropsReusedConnections()
        defer { server.stop() }
        let client = HTTPClient.make()
        _ = try await client.get(server.url)
        #expect(try await client.get(server.url).body.text == "first")
        #expect(server.requests.count == 3)
    }
}
