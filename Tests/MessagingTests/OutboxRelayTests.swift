import Clocks
import Postgres
import TestSupport
import Testing

@testable import Messaging

@Suite("The outbox relay on a real database")
struct OutboxRelayTests {
    /// Commits messages as a process that dies before it publishes them.
    private func leave(_ messages: [OutgoingMessage], in bench: Bench) async throws {
        _ = try await bench.client.batch(bench.outbox.insert(messages))
    }

    @Test("a broker that fails and recovers has each order's messages in their order, repeats aside")
    func order() async throws {
        // Every third message is refused in the first five calls.
        let publisher = RecordingPublisher { message, call in call <= 5 && message.envelope.id.low % 3 == 0 }
        try await Bench.with(publisher: publisher) { bench, _ in
            let orders = (0..<4).map { _ in bench.messages.newID(at: bench.messages.wallNow) }
            for number in 0..<10 {
                let outgoing = orders.map { bench.outgoing("\(number)", order: $0) }
                try await bench.unitOfWork.run(reads: [], deadline: soon()) { _ in
                    UnitOfWork.Decision(outgoing: outgoing, result: ())
                }
            }
            try await eventually("everything is published") { try await bench.count("outbox_messages") == 0 }
            for order in orders {
                let texts = publisher.taken.filter { $0.envelope.orderID == order }
                    .map { String(decoding: $0.envelope.payload, as: UTF8.self) }
                // What followed a refused message was sent again behind it: the last of each counts.
                var last: [String] = []
                for text in texts.reversed() where !last.contains(text) { last.insert(text, at: 0) }
                #expect(last == (0..<10).map(String.init))
            }
        }
    }

    @Test("rows of a process that died before publishing are taken over, in their order")
    func takeOver() async throws {
        try await Bench.with { bench, database in
            let dead = Bench(database, owner: 99)
            defer { dead.client.close() }
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let left = (0..<5).map { dead.outgoing("\($0)", order: order) }
            try await leave(left, in: dead)
            try await eventually("the orphans are published") { bench.publisher.taken.count >= 5 }
            #expect(bench.publisher.taken.prefix(5).map(\.envelope.id) == left.map(\.envelope.id))
            #expect(bench.publisher.texts("inventory.commands").prefix(5) == ["0", "1", "2", "3", "4"])
            try await eventually("their rows are removed") { try await bench.count("outbox_messages") == 0 }
            #expect(bench.relay.statistics.takenOver == 5)
        }
    }

    @Test("what a version with a row for each message left behind is published too, in its order")
    func former() async throws {
        try await Bench.with { bench, database in
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let insert = Statement(
                """
                INSERT INTO outbox (order_id, owner, topic, id, type, time, payload)
                SELECT $1::uuid, 66, 'inventory.commands', gen_random_uuid(), 't', now(), convert_to(n::text, 'UTF8')
                FROM generate_series(0, 4) AS n ORDER BY n
                """, [.uuid(order)])
            _ = try await bench.client.query(insert, deadline: soon())
            try await eventually("they are published") { bench.publisher.taken.count >= 5 }
            #expect(bench.publisher.texts("inventory.commands").prefix(5) == ["0", "1", "2", "3", "4"])
            try await eventually("their rows are removed") { try await bench.count("outbox_messages") == 0 }
            #expect(try await bench.count("outbox") == 0)
        }
    }

    @Test("rows of a living process are left to it, and newer ones of the same order wait for them")
    func livingOwner() async throws {
        try await Bench.with { bench, database in
            let slow = Bench(database, owner: 77)
            defer { slow.client.close() }
            let life = AdvisorySession(
                key: 77, configuration: slow.configuration, time: SystemTime(), random: SystemRandom())
            try await life.acquire()
            #expect(life.isHeld)
            let keeping = Task { await life.run() }
            let order = bench.messages.newID(at: bench.messages.wallNow)
            try await leave([slow.outgoing("older", order: order)], in: slow)
            let newer = bench.outgoing("newer", order: order)
            let other = bench.outgoing("other order")
            try await bench.unitOfWork.run(reads: [], deadline: soon()) { _ in
                UnitOfWork.Decision(outgoing: [newer, other], result: ())
            }
            try await eventually("the other order's message is published") {
                bench.publisher.texts("inventory.commands") == ["other order"]
            }
            // Several sweeps later it is still so.
            try await SystemTime().sleep(for: .milliseconds(150))
            #expect(bench.publisher.texts("inventory.commands") == ["other order"])
            #expect(bench.relay.statistics.takenOver == 0)
            keeping.cancel()
            await keeping.value
            try await eventually("the death lets both go") {
                bench.publisher.texts("inventory.commands") == ["other order", "older", "newer"]
            }
        }
    }

    @Test("what is committed stays in the outbox while the publisher pauses, and goes out in its order afterwards")
    func pause() async throws {
        try await Bench.with { bench, _ in
            bench.publisher.pause = .milliseconds(1)
            let order = bench.messages.newID(at: bench.messages.wallNow)
            for text in ["0", "1", "2"] {
                let message = bench.outgoing(text, order: order)
                try await bench.unitOfWork.run(reads: [], deadline: soon()) { _ in
                    UnitOfWork.Decision(outgoing: [message], result: ())
                }
            }
            // Long enough for many a try.
            try await SystemTime().sleep(for: .milliseconds(100))
            #expect(bench.publisher.calls == 0)
            #expect(try await bench.count("outbox_messages") == 3)
            // A process that ends does not wait for a broker that is away.
            let begin = SystemTime().now
            await bench.relay.flush(deadline: soon())
            #expect(begin.duration(to: SystemTime().now) < .seconds(5))
            bench.publisher.pause = nil
            try await eventually("all are published") {
                bench.publisher.texts("inventory.commands") == ["0", "1", "2"]
            }
            try await eventually("their rows are removed") { try await bench.count("outbox_messages") == 0 }
        }
    }

    @Test("alone, what is published is deleted together; beside another process, at once")
    func deletions() async throws {
        try await Bench.with(deletionInterval: .seconds(3600)) { bench, database in
            func publish(_ text: String) async throws {
                let message = bench.outgoing(text)
                try await bench.unitOfWork.run(reads: [], deadline: soon()) { _ in
                    UnitOfWork.Decision(outgoing: [message], result: ())
                }
                try await eventually("\(text) is published") {
                    bench.publisher.texts("inventory.commands").contains(text)
                }
            }
            let life = AdvisorySession(
                key: 77, configuration: bench.configuration, time: SystemTime(), random: SystemRandom())
            try await life.acquire()
            let keeping = Task { await life.run() }
            // Whatever was thought at first, after a sweep or two the other one is known.
            try await SystemTime().sleep(for: .milliseconds(200))
            for text in ["1", "2", "3"] { try await publish(text) }
            try await eventually("they are deleted at once") { try await bench.count("outbox_messages") == 0 }
            keeping.cancel()
            await keeping.value
            try await SystemTime().sleep(for: .milliseconds(200))
            for text in ["4", "5"] { try await publish(text) }
            try await SystemTime().sleep(for: .milliseconds(100))
            #expect(try await bench.count("outbox_messages") == 2)
        }
    }

    @Test("own rows whose commit was unknown are read back by the sweep")
    func unknownCommit() async throws {
        try await Bench.with(ownRowAge: .milliseconds(50)) { bench, _ in
            let message = bench.outgoing("perhaps committed")
            // As after a commit whose answer was lost: the row is there and memory does not know.
            try await leave([message], in: bench)
            bench.relay.expectUnknownCommit(of: [])
            try await eventually("it is published") { !bench.publisher.taken.isEmpty }
            #expect(bench.publisher.taken.first?.envelope.id == message.envelope.id)
            #expect(bench.publisher.taken.first?.envelope.payload == message.envelope.payload)
            try await eventually("its row is removed") { try await bench.count("outbox_messages") == 0 }
        }
    }

    @Test("messages go through the table whole")
    func whole() async throws {
        try await Bench.with { bench, database in
            let dead = Bench(database, owner: 5)
            defer { dead.client.close() }
            var message = dead.outgoing(#"{"text":"ä"}"#)
            message.envelope.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            message.envelope.tracestate = "a=b"
            message.envelope.deadline = Timestamp(milliseconds: 1_767_323_045_678)
            try await leave([message], in: dead)
            try await eventually("it is published") { !bench.publisher.taken.isEmpty }
            #expect(bench.publisher.taken.first == message)
        }
    }
}
