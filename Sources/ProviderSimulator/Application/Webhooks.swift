import Clocks
import HTTPClient
import HTTPCodec
import ServiceChassis
import Telemetry

/// Sends one message to whom it concerns.
protocol WebhookSender: Sendable {
    /// Whether the other side said that it has it.
    func send(_ event: WebhookEvent) async -> Bool
}

/// Sends messages over HTTP, signed.
struct HTTPWebhookSender: WebhookSender {
    let client: HTTPClient
    let targets: [WebhookEvent.Target: ServiceURL]
    let secret: Secret<String>
    let timeout: Duration
    let time: any TimeSource
    let logger: Logger

    func send(_ event: WebhookEvent) async -> Bool {
        guard let url = targets[event.target] else { return false }
        let signature = WebhookSignature(signing: event.body, secret: secret.reveal(), at: time.wallNow)
        var request = HTTPClientRequest(.post, url: url.text, body: event.body)
        request.fields.append("Content-Type", "application/json")
        request.fields.append(WebhookSignature.header, signature.text)
        do throws(HTTPClientError) {
            let response = try await client.execute(request, deadline: time.now.advanced(by: timeout))
            if response.status.isSuccess { return true }
            logger.debug(
                "webhook not taken", ["event": .text(event.id), "status": .count(response.status.code)])
        } catch {
            logger.debug("webhook not delivered", ["event": .text(event.id), "error": .error(error)])
        }
        return false
    }
}
