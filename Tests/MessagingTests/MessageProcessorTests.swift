import Clocks
import Contracts
import LocalStack
import Postgres
import TestSupport
import Testing

@testable import Messaging

@Suite("The message processor on a real database")
struct MessageProcessorTests {
    @Test("a repeated message has no second effect and gets the recorded reply again")
    func repeated() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let message = bench.incoming("once")
            try await processor.process([message])
            try await processor.process([message])
            #expect(try await bench.effects() == ["once"])
            try await eventually("both replies are published") { bench.publisher.texts("saga.replies").count == 2 }
            let replies = bench.publisher.texts("saga.replies")
            #expect(replies[0] == replies[1])
            #expect(processor.statistics.handled == 1)
            #expect(processor.statistics.repeated == 1)
        }
    }

    @Test("one id twice in a batch has one effect and one reply")
    func twiceInBatch() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let message = bench.incoming("twice")
            try await processor.process([message, bench.incoming("other"), message])
            #expect(try await bench.effects() == ["twice", "other"])
            try await eventually("everything is published") { try await bench.count("outbox_messages") == 0 }
            #expect(bench.publisher.texts("saga.replies").count == 2)
        }
    }

    @Test("the message that makes its batch impossible is parked with those behind it, and its neighbours go on")
    func poison() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let texts = ["a", "b", "poison", "c", "d"]
            try await processor.process(
                texts.enumerated().map { place, text in
                    bench.incoming(text, order: text == "b" || text == "d" ? nil : order, offset: Int64(place))
                })
            #expect(try await bench.effects() == ["a", "b", "d"])
            #expect(try await bench.parked() == ["poison", "c"])
            let head = try await bench.client.query(
                Statement(#"SELECT topic, "offset", reason, attempts, order_id FROM parked_messages ORDER BY place"#))
            #expect(try head[0].text(0) == "inventory.commands")
            #expect(try head[0].int8(1) == 2)
            #expect(try head[0].text(2) == "this one cannot be handled")
            #expect(try head[0].int4(3) == 1)
            #expect(try head[0].uuid(4) == order)
            #expect(try head[1].int4(3) == 0)
            #expect(processor.statistics.parked == 2)
            try await eventually("everything is published") { try await bench.count("outbox_messages") == 0 }
            #expect(bench.publisher.texts("saga.replies").map { $0.prefix(5) } == ["re: a", "re: b", "re: d"])
        }
    }

    @Test("a message that its handler refuses is parked in the transaction of its neighbours, and its follower with it")
    func refused() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let order = bench.messages.newID(at: bench.messages.wallNow)
            try await processor.process([
                bench.incoming("x"), bench.incoming("refused", order: order, offset: 1),
                bench.incoming("y", order: order, offset: 2), bench.incoming("z", offset: 3),
            ])
            #expect(try await bench.effects() == ["x", "z"])
            #expect(try await bench.parked() == ["refused", "y"])
            let rows = try await bench.client.query(
                Statement("SELECT trouble, reason FROM parked_messages ORDER BY place"))
            #expect(try rows[0].text(0) == "refused")
            #expect(try rows[0].text(1) == "refused for good")
            #expect(rows[1].isNull(0))
            #expect(processor.statistics.retries == 0)
        }
    }

    @Test("a message whose write always meets what is there already is parked instead of being tried for ever")
    func lastingConflict() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            try await processor.process([bench.incoming("unique")])
            try await processor.process([
                bench.incoming("a", offset: 1), bench.incoming("unique", offset: 2), bench.incoming("b", offset: 3),
            ])
            #expect(try await bench.effects() == ["unique", "a", "b"])
            #expect(try await bench.parked() == ["unique"])
        }
    }

    @Test("a record without a key is a dead letter at once; read again it is the same letter")
    func keyless() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let origin = MessageOrigin(topic: "inventory.commands", partition: 3, offset: 9)
            let record = IncomingRecord(
                origin: origin, key: [0xFF], headers: [("ce_id", [0xFF, 0x00]), ("none", nil)], payload: nil)
            try await processor.process([record, .message(bench.incoming("good", offset: 10))])
            try await processor.process([record])
            #expect(try await bench.effects() == ["good"])
            let rows = try await bench.client.query(
                Statement("SELECT attempts, headers::text, trouble, reason FROM dead_letters"))
            #expect(rows.count == 1)
            #expect(try rows[0].int4(0) == 2)
            #expect(try rows[0].text(1) == #"[["ce_id", "ff00", "hex"], ["none", null]]"#)
            #expect(try rows[0].text(2) == "unreadable")
            #expect(try rows[0].text(3).contains("ce_id"))
            // The broker has lost its log, and another record lies there now.
            let other = IncomingRecord(origin: origin, key: [0xFF], headers: [], payload: [1])
            try await processor.process([other])
            #expect(try await bench.count("dead_letters") == 2)
        }
    }

    @Test("two processors with the same messages have one effect, and everybody gets the same replies")
    func concurrent() async throws {
        try await Bench.with { bench, database in
            let other = Bench(database, owner: 2)
            defer { other.client.close() }
            try await other.withRelay {
                let batch = (0..<20).map { bench.incoming("m\($0)", offset: Int64($0)) }
                let first = bench.processor(EchoHandler(messages: bench.messages))
                let second = other.processor(EchoHandler(messages: other.messages))
                async let one: Void = first.process(batch)
                async let two: Void = second.process(batch.reversed())
                _ = try await (one, two)
                #expect(try await bench.effects().sorted() == batch.indices.map { "m\($0)" }.sorted())
                #expect(first.statistics.handled + second.statistics.handled == 20)
                #expect(first.statistics.repeated + second.statistics.repeated == 20)
                #expect(try await bench.count("dead_letters") == 0)
                try await eventually("everything is published") { try await bench.count("outbox_messages") == 0 }
                let replies = bench.publisher.texts("saga.replies") + other.publisher.texts("saga.replies")
                // Neither has proof of life, so that one may publish what the other has just published.
                #expect(replies.count >= 40)
                #expect(Set(replies).count == 20)
            }
        }
    }

    @Test("while the database is away a batch is tried again, and nothing becomes a dead letter")
    func databaseAway() async throws {
        try await TestPostgres.withOwnServer { server in
            let database = try await TestPostgres.database(on: server)
            let bench = Bench(database) { $0.maximumBackoff = .milliseconds(100) }
            defer { bench.client.close() }
            _ = try await Migrator(bench.client, MessagingSchema.migrations + [Bench.schema]).apply(deadline: soon())
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            try await processor.process([bench.incoming("before")])
            await server.stop()
            let batch = [bench.incoming("a", offset: 1), bench.incoming("b", offset: 2)]
            let work = Task { try await processor.process(batch) }
            try await eventually("the batch is tried again") { processor.statistics.retries >= 2 }
            let again = try await PostgresServer.start(server.configuration)
            try await work.value
            #expect(try await bench.effects() == ["before", "a", "b"])
            #expect(try await bench.count("dead_letters") == 0)
            await again.kill()
        }
    }
}
