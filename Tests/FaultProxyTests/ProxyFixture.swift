import Clocks
import FaultProxy
import HTTPClient
import HTTPCodec
import JSON
import Testing

/// A proxy with one link `link` to a target that the test plays itself.
struct ProxyFixture: Sendable {
    let proxy: FaultProxy
    let target: RawSocket
    let targetPort: Int
    private let client = HTTPClient(time: SystemTime())

    /// The link's port.
    var port: Int { proxy.ports["link"] ?? 0 }

    /// Runs a proxy for as long as the body does.
    static func run(
        seed: UInt64 = 1, isKafka: Bool = false, targetHost: String = "127.0.0.1",
        _ body: @escaping @Sendable (ProxyFixture) async throws -> Void
    ) async throws {
        let (target, port) = try RawSocket.listen()
        let link = LinkSpecification(
            name: "link", port: 0, targetHost: targetHost, targetPort: port, isKafka: isKafka)
        let proxy = try FaultProxy(links: [link], controlPort: 0, seed: seed)
        let fixture = ProxyFixture(proxy: proxy, target: target, targetPort: port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await proxy.run() }
            group.addTask {
                try await body(fixture)
                await fixture.client.shutdown()
            }
            // The proxy ends only when it is cancelled, or fails.
            try await group.next()
            group.cancelAll()
        }
    }

    /// A client's connection through the proxy, and the target's end of it.
    func connect() async throws -> (client: RawSocket, server: RawSocket) {
        let client = try RawSocket.connect(port)
        return (client, try await target.accept())
    }

    /// Switches faults; they are in force when it returns.
    func put(_ direction: String, _ faults: String) async throws {
        let response = try await call(.put, "/links/link/\(direction)", faults)
        guard response.status.code == 200 else {
            throw RefusedSwitch(answer: String(decoding: response.body, as: UTF8.self))
        }
    }

    func heal() async throws {
        let response = try await call(.post, "/reset", "")
        #expect(response.status.code == 204)
    }

    /// What `GET /links/link` says.
    func counts() async throws -> [String: Int64] {
        let response = try await call(.get, "/links/link")
        var counts: [String: Int64] = [:]
        guard let members = try JSONDocument(parsing: response.body).root["counts"]?.members else { return [:] }
        for member in members { counts[member.name] = member.value.int64 }
        return counts
    }

    func call(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws -> HTTPClientResponse {
        let request = HTTPClientRequest(
            method, url: "http://127.0.0.1:\(proxy.controlPort)\(path)", body: body.map { Array($0.utf8) })
        return try await client.execute(request, deadline: SystemTime().now.advanced(by: .seconds(60)))
    }

    struct RefusedSwitch: Error {
        var answer: String
    }
}
