import Clocks
import HTTPCodec
import ServiceChassis
import Telemetry
import TestSupport

/// Sends webhooks to a service's routes, as its provider would.
struct Webhook: Sendable {
    static let secret = "whsec"
    private let handler: RequestHandler
    private let time = SystemTime()

    static func reader(_ time: any TimeSource) -> WebhookReader { WebhookReader(secret: Secret(secret), time: time) }

    init(_ router: Router) {
        let random = SeededRandom(seed: 1)
        handler = RequestHandler(
            router, authenticator: .off(time: time, logger: .silent), deadline: .seconds(10), time: time,
            logger: .silent,
            tracer: .disabled(time: time, random: random), metrics: nil)
    }

    static func body(_ type: String, _ key: String) -> String {
        """
        {"id":"evt_1","type":"\(type)","key":"\(key)","at":"2026-01-01T00:00:00.000Z","data":{"anything":[1,null]}}
        """
    }

    /// The answer's status.
    func send(
        _ path: String, _ body: String, secret: String? = secret, age: Duration = .zero
    ) async -> Int {
        var fields: HTTPFields = ["Content-Type": "application/json"]
        if let secret {
            let signature = WebhookSignature(
                signing: Array(body.utf8), secret: secret, at: time.wallNow.advanced(by: .zero - age))
            fields.append(WebhookSignature.header, signature.text)
        }
        let request = HTTPRequest(method: .post, target: path, fields: fields, body: Array(body.utf8))
        return await handler.handle(request).status.code
    }
}
