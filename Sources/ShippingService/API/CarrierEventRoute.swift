import Clocks
import HTTPCodec
import JSON
import ServiceChassis

/// Hears from the carrier where the goods are.
///
/// A shipment only moves forward, so that repeats and disorder change nothing. What says something else than that goods
/// have moved is not believed: it only makes the shipment due, so that the carrier is asked.
struct CarrierEventRoute: Sendable {
    private let shipments: OpenShipments
    private let webhooks: WebhookReader
    private let shipmentsWaiting: @Sendable () -> Void

    /// - Parameter shipmentsWaiting: called after a shipment may have been made due.
    init(shipments: OpenShipments, webhooks: WebhookReader, shipmentsWaiting: @escaping @Sendable () -> Void) {
        self.shipments = shipments
        self.webhooks = webhooks
        self.shipmentsWaiting = shipmentsWaiting
    }

    func add(to router: inout Router) {
        router.post("/v1/carrier-events", access: .everyone, priority: .critical) { try await take($0) }
    }

    private func take(_ context: RequestContext) async throws -> HTTPResponse {
        let event = try webhooks.read(context)
        let answer: CarrierAnswer? =
            switch event.type {
            case "booking.dispatched": .dispatched(reference: event.id)
            case "booking.delivered": .delivered(reference: event.id)
            default: nil
            }
        // A key that is none of ours is some other system's, or older than our memory.
        if let id = UUID(event.key) {
            try await shipments.tell(id, answer, deadline: context.deadline)
            shipmentsWaiting()
        }
        return HTTPResponse(status: .accepted)
    }
}
