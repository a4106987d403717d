import Clocks
import Postgres
import TestSupport
import Testing

@testable import Messaging

@Suite("What is removed after its time")
struct RetentionTests {
    private static func id(daysAgo days: Int, _ bench: Bench) -> UUID {
        bench.messages.newID(at: bench.messages.wallNow.advanced(by: .seconds(-86_400 * days)))
    }

    private static func insertInbox(_ ids: [UUID], daysAgo days: Int, _ bench: Bench) async throws {
        _ = try await bench.client.query(
            Statement(
                """
                INSERT INTO inbox (id, handled_at)
                SELECT id, now() - make_interval(days => $2::int4) FROM unnest($1::uuid[]) AS id
                """, [.uuids(ids), .int4(Int32(days))]))
    }

    private static func prune(_ bench: Bench, days: Int, limit: Int = 100) async throws -> Int {
        try await bench.client.query(Retention.inbox(olderThan: .seconds(86_400 * days), limit: limit)).affected
    }

    @Test("handled messages go when they are old, by the id and by the time they were handled")
    func inbox() async throws {
        try await Bench.with { bench, _ in
            let old = (0..<5).map { _ in Self.id(daysAgo: 20, bench) }
            try await Self.insertInbox(old, daysAgo: 20, bench)
            // Of an old order, and handled yesterday; and of today.
            try await Self.insertInbox([Self.id(daysAgo: 20, bench)], daysAgo: 1, bench)
            try await Self.insertInbox([Self.id(daysAgo: 0, bench)], daysAgo: 0, bench)
            #expect(try await Self.prune(bench, days: 14, limit: 3) == 3)
            #expect(try await Self.prune(bench, days: 14, limit: 3) == 2)
            #expect(try await Self.prune(bench, days: 14) == 0)
            #expect(try await bench.count("inbox") == 2)
        }
    }

    @Test("a handled message stays while a dead letter or a parked message of it could be handled again")
    func inboxOfLetters() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(MoodyHandler(bench.messages, poison: ["dead", "parked"]))
            let dead = bench.incoming("dead", id: Self.id(daysAgo: 20, bench))
            try await processor.process([dead])
            let lot = bench.lot(processor)
            for _ in 0..<2 { try await bench.tryParked(lot) }
            let parked = bench.incoming("parked", id: Self.id(daysAgo: 20, bench), offset: 1)
            try await processor.process([parked])
            try await Self.insertInbox([dead.envelope.id, parked.envelope.id], daysAgo: 20, bench)
            #expect(try await Self.prune(bench, days: 14) == 0)
            _ = try await bench.client.query(Statement("UPDATE dead_letters SET status = 'discarded'"))
            #expect(try await Self.prune(bench, days: 14) == 1)
        }
    }

    @Test("replicas that prune at the same time share the work and remove each row once")
    func replicas() async throws {
        try await Bench.with { bench, database in
            let other = Bench(database, owner: 2)
            defer { other.client.close() }
            try await Self.insertInbox((0..<400).map { _ in Self.id(daysAgo: 20, bench) }, daysAgo: 20, bench)
            async let one = Self.pruneAll(bench)
            async let two = Self.pruneAll(other)
            let (mine, theirs) = try await (one, two)
            #expect(mine + theirs == 400)
            #expect(try await bench.count("inbox") == 0)
        }
    }

    private static func pruneAll(_ bench: Bench) async throws -> Int {
        var total = 0
        while try await bench.count("inbox") > 0 { total += try await prune(bench, days: 14, limit: 20) }
        return total
    }

    @Test("dead letters go some time after they were decided about, and never while they are open")
    func deadLetters() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            let records = (0..<3).map { offset in
                IncomingRecord(
                    origin: MessageOrigin(topic: "inventory.commands", partition: 0, offset: Int64(offset)), key: nil,
                    headers: [], payload: [1])
            }
            try await processor.process(records)
            for (offset, change) in [
                "first_seen = now() - interval '400 days'",
                "status = 'discarded', resolved_at = now() - interval '91 days'",
                "status = 'redriven', resolved_at = now() - interval '89 days'",
            ].enumerated() {
                _ = try await bench.client.query(
                    Statement("UPDATE dead_letters SET \(change) WHERE \"offset\" = \(offset)"))
            }
            let statement = Retention.deadLetters(olderThan: .seconds(86_400 * 90), limit: 10)
            #expect(try await bench.client.query(statement).affected == 1)
            let left = try await bench.client.query(Statement("SELECT status FROM dead_letters ORDER BY status"))
            #expect(try left.map { try $0.text(0) } == ["open", "redriven"])
        }
    }
}
