import Clocks
import HTTPCodec
import JSON
import Telemetry

/// Something a provider or carrier tells by itself.
package struct WebhookEvent: Sendable, Hashable {
    /// The sender's name for it; a repeat has the same.
    package var id: String
    /// What happened, such as `charge.captured`.
    package var type: String
    /// Our name for what it is about.
    package var key: String
    /// When it happened, by the sender's clock.
    package var at: Timestamp
}

/// Reads webhooks whose signature shows that they come from whoever shares our secret.
package struct WebhookReader: Sendable {
    private let secret: Secret<String>
    private let time: any TimeSource

    package init(secret: Secret<String>, time: any TimeSource) {
        self.secret = secret
        self.time = time
    }

    /// The event in the request's body; members that are not known are the sender's own affair.
    ///
    /// - Throws: 401 `unauthenticated` without a signature of the body that is not older or newer than five minutes, then
    ///   400 `malformed-request` or 422 `validation-failed`. A sender whose clock is further off than that is not heard;
    ///   whoever takes webhooks also asks by itself.
    package func read(_ context: RequestContext) throws(ProblemDetails) -> WebhookEvent {
        let body = context.request.body
        guard let text = context.request.fields[WebhookSignature.header], let signature = WebhookSignature(text),
            signature.isValid(for: body, secret: secret.reveal(), now: time.wallNow)
        else {
            throw ProblemDetails(
                .unauthenticated,
                detail: "\(WebhookSignature.header) must be a current signature of this body under the shared secret.")
        }
        do {
            return try JSONDocument(parsing: body).decode(unknownMembers: .ignored) { event in
                WebhookEvent(
                    id: event.string("id", length: 1...255), type: event.string("type", length: 1...100),
                    key: event.string("key", length: 1...255), at: event.text("at"))
            }
        } catch {
            throw ProblemDetails(error)
        }
    }
}
