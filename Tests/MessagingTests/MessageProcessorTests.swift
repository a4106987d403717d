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
            try await eventually("everything is published") { try await bench.count("outbox") == 0 }
            #expect(bench.publisher.texts("saga.replies").count == 2)
        }
    }

    @Test("the message that makes its batch impossible becomes a dead letter, and its neighbours keep their order")
    func poison() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let texts = ["a", "b", "poison", "c", "d"]
            try await processor.process(
                texts.enumerated().map { bench.incoming($1, order: order, offset: Int64($0)) })
            #expect(try await bench.effects() == ["a", "b", "c", "d"])
            let letter = try await bench.client.query(
                Statement(#"SELECT topic, "offset", reason, attempts, payload, order_id FROM dead_letters"#))
            #expect(letter.count == 1)
            #expect(try letter[0].text(0) == "inventory.commands")
            #expect(try letter[0].int8(1) == 2)
            #expect(try letter[0].text(2) == "this one cannot be handled")
            #expect(try letter[0].int4(3) == 3)
            #expect(try letter[0].bytes(4) == Array("poison".utf8))
            #expect(try letter[0].uuid(5) == order)
            try await eventually("everything is published") { try await bench.count("outbox") == 0 }
            let told = bench.publisher.texts("inventory.commands.dead-letter")
            #expect(told.count == 1)
            #expect(told.first?.contains("this one cannot be handled") == true)
            let replies = bench.publisher.texts("saga.replies").map { $0.prefix(5) }
            #expect(replies == ["re: a", "re: b", "re: c", "re: d"])
        }
    }

    @Test("a message that its handler refuses for good is a dead letter at once, in the transaction of its neighbours")
    func refused() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            try await processor.process([
                bench.incoming("x"), bench.incoming("refused", offset: 1), bench.incoming("y", offset: 2),
            ])
            #expect(try await bench.effects() == ["x", "y"])
            let letters = try await bench.client.query(Statement("SELECT reason, attempts FROM dead_letters"))
            #expect(letters.count == 1)
            #expect(try letters[0].text(0) == "refused for good")
            #expect(try letters[0].int4(1) == 1)
            #expect(processor.statistics.retries == 0)
        }
    }

    @Test(
        "a message whose write always meets what is there already becomes a dead letter instead of being tried for ever"
    )
    func lastingConflict() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            try await processor.process([bench.incoming("unique")])
            try await processor.process([
                bench.incoming("a", offset: 1), bench.incoming("unique", offset: 2), bench.incoming("b", offset: 3),
            ])
            #expect(try await bench.effects() == ["unique", "a", "b"])
            #expect(try await bench.count("dead_letters") == 1)
        }
    }

    @Test("a record that is read again and refused again is one dead letter that counts its attempts")
    func buriedTwice() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let origin = MessageOrigin(topic: "inventory.commands", partition: 3, offset: 9)
            let letter = DeadLetter(
                origin: origin, key: [0xFF], headers: [("ce_id", [0xFF, 0x00]), ("none", nil)], payload: nil,
                reason: "no message", attempts: 1, firstSeen: bench.messages.wallNow)
            try await processor.bury([letter])
            try await processor.bury([letter])
            let rows = try await bench.client.query(Statement("SELECT attempts, headers::text FROM dead_letters"))
            #expect(rows.count == 1)
            #expect(try rows[0].int4(0) == 2)
            #expect(try rows[0].text(1) == #"[["ce_id", "0xff00"], ["none", null]]"#)
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
                try await eventually("everything is published") { try await bench.count("outbox") == 0 }
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
