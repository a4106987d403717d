import Clocks
import Postgres

/// A message that is committed and waits to be published.
package struct OutboxRow: Hashable, Sendable {
    /// Where the row lies: its primary key.
    package struct Position: Hashable, Sendable {
        package var orderID: UUID
        package var sequence: Int64

        package init(orderID: UUID, sequence: Int64) {
            self.orderID = orderID
            self.sequence = sequence
        }
    }

    package var position: Position
    package var message: OutgoingMessage

    package init(position: Position, message: OutgoingMessage) {
        self.position = position
        self.message = message
    }

    static let columns =
        "o.order_id, o.sequence, o.topic, o.id, o.type, o.time, o.traceparent, o.tracestate, o.deadline, o.payload"

    init(row: Row, source: String) throws {
        let orderID = try row.uuid(0)
        position = Position(orderID: orderID, sequence: try row.int8(1))
        message = OutgoingMessage(
            topicName: try row.text(2),
            envelope: MessageEnvelope(
                id: try row.uuid(3), source: source, type: try row.text(4), orderID: orderID,
                time: try row.timestamp(5), traceparent: try row.optionalText(6), tracestate: try row.optionalText(7),
                deadline: try row.optionalTimestamp(8), payload: try row.bytes(9)))
    }
}
