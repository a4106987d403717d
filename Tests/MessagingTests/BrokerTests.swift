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
            let consuming = Task { try await consumer.run() }

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
            try await consuming.value
            await replies.close()
            await relay.flush(deadline: soon())
            #expect(try await bench.count("outbox_messages") == 0)
            publishing.cancel()
            await publishing.value
            await producer.close(patience: .seconds(2))
        }
        await broker.stop()
    }

    @Test(
        "poison among good messages, and a second member of the group in the middle: each order keeps its order",
        .timeLimit(.minutes(2)))
    func rebalance() async throws {
        let broker = try await TestBroker.start(topics: ["inventory.commands": 4])
        try await Bench.with { bench, database in
            let other = Bench(database, owner: 2)
            defer { other.client.close() }
            let time = SystemTime()
            let kafka = KafkaConfiguration(bootstrap: broker.bootstrap, clientID: "test")
            let producer = try KafkaProducer(configuration: kafka, time: time)
            let handler = MoodyHandler(bench.messages, poison: ["0-3", "2-7"])
            let orders = (0..<6).map { _ in bench.messages.newID(at: bench.messages.wallNow) }
            func publish(_ numbers: Range<Int>) async {
                for number in numbers {
                    let messages = orders.enumerated().map { bench.outgoing("\($0)-\(number)", order: $1) }
                    _ = await KafkaPublisher(producer).publish(messages, deadline: soon())
                }
            }
            func member(_ bench: Bench) throws -> MessageConsumer {
                MessageConsumer(
                    consumer: try KafkaConsumer(configuration: kafka, group: "g", topics: ["inventory.commands"]),
                    processors: [.inventoryCommands: bench.processor(handler, attempts: 100_000)], time: time,
                    log: .silent)
            }
            let first = try member(bench)
            let running = Task { try await first.run() }
            await publish(0..<10)
            try await eventually("the poison and its followers are parked") { try await bench.parked().count == 10 }
            // The second member takes half of the partitions over, with keys parked by the first one.
            let second = try member(other)
            let runningToo = Task { try await second.run() }
            await publish(10..<20)
            handler.heal("0-3")
            // It is tried in a loop: it must not be given up by that.
            let lot = other.lot(other.processor(handler, attempts: 100_000))
            try await eventually("all but those behind the poison are handled", within: .seconds(40)) {
                try await other.tryParked(lot)
                return try await bench.effects().count >= 120 - 13 - 1
            }
            handler.heal("2-7")
            try await eventually("all are handled", within: .seconds(20)) {
                try await other.tryParked(lot)
                return try await bench.effects().count == 120
            }
            let effects = try await bench.effects()
            for order in orders.indices {
                #expect(
                    effects.filter { $0.hasPrefix("\(order)-") } == (0..<20).map { "\(order)-\($0)" }, "order \(order)")
            }
            for consumer in [first, second] { consumer.stop() }
            try await running.value
            try await runningToo.value
            await producer.close(patience: .seconds(2))
        }
        await broker.stop()
    }

    @Test(
        "a consumer whose client has ended for good says so, instead of reading nothing for ever",
        .timeLimit(.minutes(1)))
    func fatal() async throws {
        let broker = try await TestBroker.start(topics: ["inventory.commands": 1])
        let kafka = KafkaConfiguration(bootstrap: broker.bootstrap, clientID: "test")
        let client = try KafkaConsumer(configuration: kafka, group: "g", topics: ["inventory.commands"])
        let consumer = MessageConsumer(consumer: client, processors: [:], time: SystemTime(), log: .silent)
        let running = Task { try await consumer.run() }
        client.failForTesting()
        let error = await #expect(throws: KafkaError.self) { try await running.value }
        #expect(error?.isFatal == true)
        await broker.stop()
    }
}
