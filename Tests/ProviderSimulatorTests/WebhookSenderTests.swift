import Clocks
import HTTPClient
import HTTPCodec
import HTTPServer
import ServiceChassis
import Synchronization
import Telemetry
import Testing

@testable import ProviderSimulator

@Suite("Webhooks over HTTP", .timeLimit(.minutes(1)))
struct WebhookSenderTests {
    private static let time = SystemTime()
    private static let event = WebhookEvent(
        id: "evt_1", target: .payment, type: "charge.captured", body: Array(#"{"id":"evt_1"}"#.utf8),
        dueAt: Timestamp(microseconds: 0))

    /// A receiver that keeps what it got and answers with a status, or not at all.
    private static func run(
        status: Int?, _ body: (HTTPWebhookSender) async throws -> Void
    ) async throws -> [HTTPRequest] {
        let received = Received()
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1"),
            handler: { request in
                received.requests.withLock { $0.append(request) }
                return status.map { HTTPResponse(status: HTTPStatus($0)) } ?? .abort(reset: true)
            })
        let port = try server.listen()
        let running = Task { try await server.run() }
        let client = HTTPClient(time: time)
        let url = try #require(ServiceURL("http://127.0.0.1:\(port)/v1/provider-events"))
        try await body(
            HTTPWebhookSender(
                client: client, targets: [.payment: url], secret: Secret("a secret"), timeout: .seconds(20),
                time: time, logger: .silent))
        await client.shutdown()
        await server.drain(deadline: time.now)
        try await running.value
        return received.requests.withLock { $0 }
    }

    private final class Received: Sendable {
        let requests = Mutex<[HTTPRequest]>([])
    }

    @Test("a message is posted as it is, signed at the time of the attempt")
    func signed() async throws {
        let requests = try await Self.run(status: 204) { #expect(await $0.send(Self.event)) }
        let request = try #require(requests.first)
        #expect(requests.count == 1 && request.method == .post && request.target == "/v1/provider-events")
        #expect(request.body == Self.event.body && request.fields["Content-Type"] == "application/json")
        let signature = try #require(request.fields["Webhook-Signature"].flatMap { WebhookSignature($0) })
        let now = Self.time.wallNow
        #expect(signature.isValid(for: request.body, secret: "a secret", now: now, tolerance: .seconds(60)))
        #expect(!signature.isValid(for: request.body, secret: "another", now: now))
    }

    @Test(
        "only a 2xx says that it was taken",
        arguments: [(200, true), (202, true), (302, false), (409, false), (503, false)])
    func statuses(status: Int, isTaken: Bool) async throws {
        _ = try await Self.run(status: status) { #expect(await $0.send(Self.event) == isTaken) }
    }

    @Test("a connection that breaks, and nobody there, mean that it was not taken")
    func broken() async throws {
        _ = try await Self.run(status: nil) { #expect(await !$0.send(Self.event)) }
        var carrier: HTTPWebhookSender?
        _ = try await Self.run(status: 200) { sender in
            var event = Self.event
            event = WebhookEvent(
                id: event.id, target: .carrier, type: "booking.dispatched", body: event.body, dueAt: event.dueAt)
            #expect(await !sender.send(event), "nobody is to be told")
            carrier = sender
        }
        let sender = try #require(carrier)
        #expect(await !sender.send(Self.event))
    }
}
