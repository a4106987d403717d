import Clocks
import Contracts
import Messaging
import Postgres

/// Follows shipments: a confirmed order becomes shipped, then delivered.
///
/// The order's own status tells a repeat, so no inbox is needed; a stage never goes back.
struct ShippingEventHandler: MessageHandler {
    private let messages: MessageFactory
    private let metrics: OrderMetrics
    private let projector: OrderProjector

    init(messages: MessageFactory, metrics: OrderMetrics, projector: OrderProjector) {
        self.messages = messages
        self.metrics = metrics
        self.projector = projector
    }

    func reads(for batch: [IncomingMessage]) -> [Statement] {
        [OrderStatements.lockConfirmed(Set(batch.map(\.envelope.orderID)).sorted())]
    }

    func handle(_ batch: [IncomingMessage], rows: [Rows]) throws -> HandledBatch {
        var current: [UUID: Order.Status] = [:]
        for row in rows[0] { current[try row.uuid(0)] = try row.rawValue(1) }
        var reached: [(id: UUID, status: Order.Status)] = []
        for message in batch {
            let orderID = message.envelope.orderID
            guard let status = current[orderID] else { continue }
            let stages: [Order.Status]
            switch (message.envelope.type, status) {
            case (MessageType.shipmentDispatched, .confirmed): stages = [.shipped]
            // Delivered before dispatched was heard of: the order passes through both.
            case (MessageType.shipmentDelivered, .confirmed): stages = [.shipped, .delivered]
            case (MessageType.shipmentDelivered, .shipped): stages = [.delivered]
            default: continue
            }
            reached += stages.map { (orderID, $0) }
            current[orderID] = stages.last
        }
        var handled = HandledBatch()
        guard !reached.isEmpty else { return handled }
        var final: [UUID: Order.Status] = [:]
        for (id, status) in reached { final[id] = status }
        let now = messages.wallNow
        handled.writes = [
            OrderStatements.advance(
                final.map { (id: $0.key, status: $0.value) }.sorted { $0.id < $1.id }, now: now),
            OrderViewStatements.record(
                reached.map { StatusChange(orderID: $0.id, status: $0.status, reason: nil, at: now) }),
        ]
        let all = reached
        handled.afterCommit = { [metrics, projector] in
            projector.notify()
            for (_, status) in all { metrics.orderReached(status, nil) }
        }
        return handled
    }
}
