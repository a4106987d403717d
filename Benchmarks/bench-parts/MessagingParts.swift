import Clocks
import Contracts
import Messaging

/// What every message goes through: its envelope as headers and back, its row in the outbox, its place in a batch.
func messagingParts() -> [Part] {
    let messages = Samples.messages(50)
    let envelope = messages[0].envelope
    let headers = envelope.kafkaHeaders.map { (name: $0.name, value: Optional($0.value)) }
    let outbox = Outbox(owner: 7)
    let orders: [UUID?] = messages.map(\.envelope.orderID)
    let ids = messages.map(\.envelope.id)
    let replies = messages.map { (id: $0.envelope.id, reply: Optional($0.envelope.payload)) }
    return [
        Part("envelope: write the headers", nanoseconds: 2500, allocations: 14) { count in
            for _ in 0..<count { consume(envelope.kafkaHeaders) }
        },
        Part("envelope: read the headers", nanoseconds: 10_000, allocations: 12) { count in
            for _ in 0..<count {
                consume(try? MessageEnvelope(kafkaHeaders: headers, payload: envelope.payload))
            }
        },
        Part("outbox: the write of 50 messages", nanoseconds: 10_000, allocations: 10) { count in
            for _ in 0..<count { consume(outbox.insert(messages)) }
        },
        Part("inbox: the look-up of 50 messages", nanoseconds: 500, allocations: 1) { count in
            for _ in 0..<count { consume(Inbox.lookUp(ids)) }
        },
        Part("inbox: the record of 50 messages", nanoseconds: 10_000, allocations: 4) { count in
            for _ in 0..<count { consume(Inbox.record(replies)) }
        },
        Part("inbox: the plan of a batch of 50", nanoseconds: 2000, allocations: 6) { count in
            for _ in 0..<count { consume(ParkingPlan(keys: orders, parked: [], troubled: []).begun) }
        },
    ]
}

/// Messages as the suite sends them.
enum Samples {
    static func messages(_ count: Int) -> [OutgoingMessage] {
        let random = SeededRandom(seed: 5)
        let time = Timestamp(milliseconds: 1_795_509_302_123)
        let payload = Array(
            #"{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","amount":{"amount":3998,"currency":"EUR"},"token":"tok_ok"}"#
                .utf8)
        return (0..<count).map { _ in
            OutgoingMessage(
                topic: .paymentCommands,
                envelope: MessageEnvelope(
                    id: .version7(at: time, random: random), source: "/holdfast/order-service",
                    process: "order-service-1", type: MessageType.chargePayment,
                    orderID: .version7(at: time, random: random), time: time,
                    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                    deadline: time.advanced(by: .seconds(30)), payload: payload))
        }
    }
}
