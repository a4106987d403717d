import Clocks
import Postgres

extension OutboxRow {
    /// The messages of the batches that a query calls `b`.
    static let messagesOfBatches = """
        CROSS JOIN LATERAL unnest(b.order_ids, b.topics, b.ids, b.types, b.times, b.traceparents, b.tracestates,
                                  b.deadlines, b.payloads) WITH ORDINALITY
            AS m(order_id, topic, id, type, time, traceparent, tracestate, deadline, payload, place)
        """

    static let columns =
        """
        m.order_id, b.sequence, m.place - 1, b.size, m.topic, m.id, m.type, m.time, m.traceparent, m.tracestate, m.deadline,
        m.payload
        """

    init(row: Row, source: String) throws {
        let orderID = try row.uuid(0)
        position = Position(orderID: orderID, batch: try row.int8(1), place: Int(try row.int8(2)))
        batchSize = Int(try row.int4(3))
        message = OutgoingMessage(
            topicName: try row.text(4),
            envelope: MessageEnvelope(
                id: try row.uuid(5), source: source, type: try row.text(6), orderID: orderID,
                time: try row.timestamp(7), traceparent: try row.optionalText(8), tracestate: try row.optionalText(9),
                deadline: try row.optionalTimestamp(10), payload: try row.bytes(11)))
    }
}
