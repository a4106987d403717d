import Clocks
import Contracts
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Messaging

@Suite("Messages over a broker")
struct BrokerTests {
    @Test("records become messages for the handler or dead letters, and replies arrive as they were said")
    func wholeWay() async throws {
        let broker = try await TestBroker.start(topics: ["inventory.commands": 1, "saga.replies": 1])
        try await Bench.with(relayRuns: false) { bench, _ in
            let time = SystemTime()
            let kafka = KafkaConfiguration(bootstrap: broker.bootstrap, clientID: "test")
            let producer = try KafkaProducer(configuration: kafka, time: time)
            let relay = OutboxRelay(
                outbox: bench.outbox, service: "test", postgres: bench.client, publisher: KafkaPublisher(producer),
                time: time, log: .silent)
            let unitOfWork = UnitOfWork(postgres: bench.client, outbox: bench.outbox, relay: relay)
            let processor = MessageProcessor(
                handler: EchoHandler(messages: bench.messages), unitOfWork: unitOfWork, messages: bench.messages,
                time: time, log: .silent)
            let consumer = MessageConsumer(
                consumer: try KafkaConsumer(configuration: kafka, group: "g", topics: ["inventory.commands"]),
                processors: [.inventoryCommands: processor], time: time, log: .silent)
            let publishing = Task { await relay.run() }
            let consuming = Task { await consumer.run() }

            var command = bench.outgoing("first")
            command.envelope.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            _ = try await producer.send(
                KafkaRecord(topic: "inventory.commands", key: [1], headers: [("ce_id", [0xFF])], value: [2])
            ).offset
            let failures = await KafkaPublisher(producer).publish(
                [command, bench.outgoing("second")], deadline: soon())
            #expect(failures.allSatisfy { $0 == nil })
            try await eventually("both are handled") { try await bench.effects() == ["first", "second"] }
            let letters = try await bench.client.query(
                Statement(#"SELECT "offset", message_key, payload, reason, order_id IS NULL FROM dead_letters"#))
            #expect(letters.count == 1)
            #expect(try letters[0].int8(0) == 0)
            #expect(try letters[0].bytes(1) == [1])
            #expect(try letters[0].bytes(2) == [2])
            #expect(try letters[0].text(3).contains("ce_id"))
            #expect(try letters[0].bool(4))

            let replies = try KafkaConsumer(configuration: kafka, group: "r", topics: ["saga.replies"])
            var heard: [MessageEnvelope] = []
            while heard.count < 2 {
                heard += try await replies.nextBatch(maximum: 10).map {
                    try MessageEnvelope(kafkaHeaders: $0.headers, payload: $0.value)
                }
            }
            #expect(heard[0].orderID == command.envelope.orderID)
            #expect(heard[0].type == MessageType.commandReply)
            #expect(heard[0].source == "/holdfast/test")
            #expect(String(decoding: heard[0].payload, as: UTF8.self).hasPrefix("re: first"))
            #expect(String(decoding: heard[1].payload, as: UTF8.self).hasPrefix("re: second"))

            consumer.stop()
            await consuming.value
            await replies.close()
            await relay.flush(deadline: soon())
            #expect(try await bench.count("outbox") == 0)
            publishing.cancel()
            await publishing.value
            await producer.close(patience: .seconds(2))
        }
        await broker.stop()
    }
}
