import Clocks
import Contracts
import Postgres
import TestSupport
import Testing

@testable import Messaging

@Suite("Parked messages on a real database")
struct ParkingTests {
    @Test("when the head can be handled its followers are handled in order at once, and the key is free")
    func released() async throws {
        try await Bench.with { bench, _ in
            let handler = MoodyHandler(bench.messages, poison: ["1"])
            let processor = bench.processor(handler)
            let order = bench.messages.newID(at: bench.messages.wallNow)
            try await processor.process([bench.incoming("1", order: order), bench.incoming("2", order: order)])
            // Later batches wait behind, too.
            try await processor.process([bench.incoming("3", order: order), bench.incoming("other")])
            #expect(try await bench.effects() == ["other"])
            let lot = bench.lot(processor)
            try await bench.tryParked(lot)
            #expect(try await bench.effects() == ["other"], "it fails still")
            handler.heal("1")
            try await bench.tryParked(lot)
            #expect(try await bench.effects() == ["other", "1", "2", "3"])
            #expect(try await bench.count("parked_messages") == 0)
            #expect(try await bench.count("parked_keys") == 0)
            try await processor.process([bench.incoming("4", order: order)])
            #expect(try await bench.effects().last == "4")
            try await eventually("everything is published") { try await bench.count("outbox_messages") == 0 }
            let replies = bench.publisher.texts("saga.replies").map { $0.prefix(5) }
            #expect(replies == ["re: o", "re: 1", "re: 2", "re: 3", "re: 4"])
        }
    }

    @Test("after its last attempt the head is a dead letter that says all of it, and its followers go on")
    func givenUp() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(MoodyHandler(bench.messages, poison: ["1"]))
            let order = bench.messages.newID(at: bench.messages.wallNow)
            try await processor.process([
                bench.incoming("1", order: order, offset: 7), bench.incoming("2", order: order, offset: 8),
            ])
            let lot = bench.lot(processor)
            for _ in 0..<2 { try await bench.tryParked(lot) }
            #expect(try await bench.effects() == ["2"])
            #expect(try await bench.count("parked_keys") == 0)
            let letter = try await bench.client.query(
                Statement(
                    """
                    SELECT topic, "offset", reason, attempts, payload, order_id, trouble, last_seen > first_seen
                    FROM dead_letters
                    """))
            #expect(letter.count == 1)
            #expect(try letter[0].text(0) == "inventory.commands")
            #expect(try letter[0].int8(1) == 7)
            #expect(try letter[0].text(2) == "this one cannot be handled")
            #expect(try letter[0].int4(3) == 3)
            #expect(try letter[0].bytes(4) == Array("1".utf8))
            #expect(try letter[0].uuid(5) == order)
            #expect(try letter[0].text(6) == "failed")
            #expect(try letter[0].bool(7))
            try await eventually("everything is published") { try await bench.count("outbox_messages") == 0 }
            let told = bench.publisher.texts("inventory.commands.dead-letter")
            #expect(told.count == 1)
            #expect(told.first?.contains("this one cannot be handled") == true)
            #expect(processor.statistics.deadLettered == 1)
        }
    }

    @Test("what is to blame is found though a broker that lost its log gave the same offset to others")
    func sameOffset() async throws {
        try await Bench.with { bench, _ in
            let handler = MoodyHandler(bench.messages, poison: ["1"])
            let processor = bench.processor(handler)
            let order = bench.messages.newID(at: bench.messages.wallNow)
            try await processor.process(["1", "refused", "3"].map { bench.incoming($0, order: order, offset: 7) })
            handler.heal("1")
            let lot = bench.lot(processor)
            try await bench.tryParked(lot)
            #expect(try await bench.effects() == ["1"])
            #expect(try await bench.parked() == ["refused", "3"])
            for _ in 0..<3 { try await bench.tryParked(lot) }
            #expect(try await bench.effects() == ["1", "3"])
            let letters = try await bench.client.query(Statement("SELECT payload FROM dead_letters"))
            #expect(try letters.map { String(decoding: try $0.bytes(0), as: UTF8.self) } == ["refused"])
        }
    }

    @Test("a record that is read again while it is parked waits once, and counts its repeats")
    func repeats() async throws {
        try await Bench.with { bench, _ in
            let handler = MoodyHandler(bench.messages, poison: ["1"])
            let processor = bench.processor(handler)
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let batch = [bench.incoming("1", order: order), bench.incoming("2", order: order)]
            try await processor.process(batch)
            // The process died before its offset was committed; or the sender sent them again.
            try await processor.process(batch)
            #expect(try await bench.parked() == ["1", "2"])
            let repeats = try await bench.client.query(Statement("SELECT sum(repeats) FROM parked_messages"))
            #expect(try repeats[0].int8(0) == 2)
            handler.heal("1")
            try await bench.tryParked(bench.lot(processor))
            try await processor.process(batch)
            #expect(try await bench.effects() == ["1", "2"])
        }
    }

    @Test("a record that cannot be read waits by its key, and holds up its followers only until it is given up")
    func unreadable() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let record = IncomingRecord(
                origin: MessageOrigin(topic: "inventory.commands", partition: 0, offset: 1),
                key: Array(order.description.utf8), headers: [("ce_specversion", Array("9".utf8))], payload: [1])
            try await processor.process([
                record, .message(bench.incoming("behind", order: order, offset: 2)),
                .message(bench.incoming("other", offset: 3)),
            ])
            #expect(try await bench.effects() == ["other"])
            let lot = bench.lot(processor)
            for _ in 0..<2 { try await bench.tryParked(lot) }
            #expect(try await bench.effects() == ["other", "behind"])
            let letters = try await bench.client.query(Statement("SELECT trouble, order_id FROM dead_letters"))
            #expect(letters.count == 1)
            #expect(try letters[0].text(0) == "unreadable")
            #expect(try letters[0].uuid(1) == order)
        }
    }

    @Test("two processes never have the same key, and a claim of one that died ends by itself")
    func claims() async throws {
        try await Bench.with { bench, database in
            let other = Bench(database, owner: 2)
            defer { other.client.close() }
            let handler = MoodyHandler(bench.messages, poison: ["x"])
            let processor = bench.processor(handler)
            try await processor.process((0..<6).map { _ in bench.incoming("x") })
            try await bench.makeDue()
            let (first, second) = (bench.lot(processor), other.lot(other.processor(handler)))
            async let one = first.claim(limit: 4)
            async let two = second.claim(limit: 4)
            let (mine, theirs) = try await (one, two)
            #expect(Set(mine.map(\.orderID)).isDisjoint(with: theirs.map(\.orderID)))
            #expect(mine.count + theirs.count <= 6)
            let wait = try #require(try await first.untilNextDue())
            #expect(wait <= .seconds(15))
            // The claim has ended, and somebody else has the key now.
            handler.heal("x")
            try await bench.makeDue()
            let claimed = try await second.claim(limit: 10)
            #expect(claimed.count == 6)
            for late in mine + theirs { await first.retry(late) }
            #expect(try await bench.effects().isEmpty, "a claim that has ended changes nothing")
            for claim in claimed { await second.retry(claim) }
            #expect(try await bench.effects().count == 6)
        }
    }

    @Test("messages that come while their key is being tried lose neither their order nor themselves")
    func concurrent() async throws {
        try await Bench.with { bench, database in
            let other = Bench(database, owner: 2)
            defer { other.client.close() }
            let handler = MoodyHandler(bench.messages, poison: ["0"])
            let (processor, worker) = (bench.processor(handler), other.processor(handler))
            let order = bench.messages.newID(at: bench.messages.wallNow)
            try await processor.process([bench.incoming("0", order: order)])
            handler.heal("0")
            let lot = other.lot(worker)
            let trying = Task {
                while !Task.isCancelled { try await other.tryParked(lot) }
            }
            for number in 1..<60 {
                try await processor.process([bench.incoming("\(number)", order: order, offset: Int64(number))])
            }
            try await eventually("all are handled") { try await bench.effects().count == 60 }
            trying.cancel()
            _ = try? await trying.value
            #expect(try await bench.effects() == (0..<60).map { "\($0)" })
        }
    }

    @Test("a head that fails in the middle of its followers waits from there on")
    func middle() async throws {
        try await Bench.with { bench, _ in
            let handler = MoodyHandler(bench.messages, poison: ["1", "3"])
            let processor = bench.processor(handler)
            let order = bench.messages.newID(at: bench.messages.wallNow)
            try await processor.process((1...5).map { bench.incoming("\($0)", order: order) })
            handler.heal("1")
            let lot = bench.lot(processor)
            try await bench.tryParked(lot)
            #expect(try await bench.effects() == ["1", "2"])
            #expect(try await bench.parked() == ["3", "4", "5"])
            handler.heal("3")
            try await bench.tryParked(lot)
            #expect(try await bench.effects() == ["1", "2", "3", "4", "5"])
        }
    }
}
