import Clocks
import HTTPCodec
import JSON
import Postgres
import ServiceChassis

/// Hears from the provider that something happened to a charge.
///
/// What it says is not believed: it only makes the payment due at once, so that the provider is asked. A false, repeated or
/// late webhook costs a query, and one that never comes costs time.
struct ProviderEventRoute: Sendable {
    private let postgres: PostgresClient
    private let webhooks: WebhookReader
    private let paymentsWaiting: @Sendable () -> Void

    /// - Parameter paymentsWaiting: called after a payment was made due.
    init(postgres: PostgresClient, webhooks: WebhookReader, paymentsWaiting: @escaping @Sendable () -> Void) {
        self.postgres = postgres
        self.webhooks = webhooks
        self.paymentsWaiting = paymentsWaiting
    }

    func add(to router: inout Router) {
        router.post("/v1/provider-events", access: .everyone, priority: .critical) { try await take($0) }
    }

    private func take(_ context: RequestContext) async throws -> HTTPResponse {
        let event = try webhooks.read(context)
        // A key that is none of ours is some other system's, or older than our memory.
        if let id = UUID(event.key) {
            let rows = try await postgres.query(
                PaymentStatements.nudge(id, alsoDeclined: event.type == "charge.captured"), deadline: context.deadline)
            if rows.affected > 0 { paymentsWaiting() }
        }
        return HTTPResponse(status: .accepted)
    }
}
