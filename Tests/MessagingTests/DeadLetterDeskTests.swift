import Clocks
import Contracts
import Postgres
import TestSupport
import Testing

@testable import Messaging

@Suite("What operators do with dead letters")
struct DeadLetterDeskTests {
    private struct Fixture {
        let bench: Bench
        let handler: MoodyHandler
        let processor: MessageProcessor
        let lot: ParkingLot
        let desk: DeadLetterDesk

        /// - Parameter dead: texts of messages that are given up, all of one order.
        init(_ bench: Bench, dead: [String], order: UUID) async throws {
            self.bench = bench
            handler = MoodyHandler(bench.messages, poison: Set(dead))
            processor = bench.processor(handler)
            lot = bench.lot(processor)
            desk = DeadLetterDesk(bench.client)
            try await processor.process(
                dead.enumerated().map { bench.incoming($1, order: order, offset: Int64($0)) })
            for _ in 0..<dead.count * 3 { try await bench.tryParked(lot) }
        }

        func open() async throws -> [StoredDeadLetter] {
            try await desk.list(DeadLetterFilter(status: .open), after: nil, limit: 100, deadline: soon()).letters
        }
    }

    @Test("redriven letters are handled in the order in which they came, through the same handler and inbox")
    func redriveAll() async throws {
        try await Bench.with { bench, _ in
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let fixture = try await Fixture(bench, dead: ["1", "2", "3"], order: order)
            #expect(try await fixture.open().count == 3)
            fixture.handler.heal("1", "2", "3")
            let (ids, without) = try await fixture.desk.redrive(
                DeadLetterFilter(), limit: 10, by: "ops", deadline: soon())
            #expect(ids.count == 3)
            #expect(without == 0)
            #expect(try await fixture.open().isEmpty)
            try await bench.tryParked(fixture.lot)
            #expect(try await bench.effects() == ["1", "2", "3"])
            let letter = try await fixture.desk.find(ids[0], deadline: soon())
            #expect(letter.status == .redriven)
            #expect(letter.redrives == 1)
            #expect(letter.resolvedBy == "ops")
            #expect(letter.resolvedAt != nil)
        }
    }

    @Test("a letter that fails again is open again, and counts its attempts on")
    func failsAgain() async throws {
        try await Bench.with { bench, _ in
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let fixture = try await Fixture(bench, dead: ["1"], order: order)
            let id = try #require(try await fixture.open().first?.id)
            _ = try await fixture.desk.redrive(id, by: "ops", deadline: soon())
            await #expect(throws: DeadLetterDesk.Refusal.notOpen(.redriving)) {
                _ = try await fixture.desk.redrive(id, by: "ops", deadline: soon())
            }
            for _ in 0..<3 { try await bench.tryParked(fixture.lot) }
            let letter = try await fixture.desk.find(id, deadline: soon())
            #expect(letter.status == .open)
            #expect(letter.attempts == 6)
            #expect(try await bench.count("parked_messages") == 0)
        }
    }

    @Test("an edited letter is redriven as it was edited, and keeps what it was")
    func edited() async throws {
        try await Bench.with { bench, _ in
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let fixture = try await Fixture(bench, dead: ["1"], order: order)
            let id = try #require(try await fixture.open().first?.id)
            for text in ["wrong", "right"] {
                _ = try await fixture.desk.edit(
                    id, headers: nil, payload: Array(text.utf8), by: "ops", deadline: soon())
            }
            let letter = try await fixture.desk.redrive(id, by: "ops", deadline: soon())
            #expect(letter.original?.payload == Array("1".utf8))
            #expect(letter.editedBy == "ops")
            try await bench.tryParked(fixture.lot)
            #expect(try await bench.effects() == ["right"])
        }
    }

    @Test("a record without a key can be redriven once its headers name the order")
    func withoutOrder() async throws {
        try await Bench.with { bench, _ in
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let fixture = try await Fixture(bench, dead: [], order: order)
            try await fixture.processor.process([
                IncomingRecord(
                    origin: MessageOrigin(topic: "inventory.commands", partition: 0, offset: 1), key: nil, headers: [],
                    payload: Array("found".utf8))
            ])
            let id = try #require(try await fixture.open().first?.id)
            await #expect(throws: DeadLetterDesk.Refusal.noOrder) {
                _ = try await fixture.desk.redrive(id, by: "ops", deadline: soon())
            }
            let all = try await fixture.desk.redrive(DeadLetterFilter(), limit: 5, by: "ops", deadline: soon())
            #expect(all.withoutOrder == 1)
            let headers = bench.outgoing("found", order: order).envelope.kafkaHeaders.map {
                (name: $0.name, value: Optional($0.value))
            }
            _ = try await fixture.desk.edit(id, headers: headers, payload: nil, by: "ops", deadline: soon())
            _ = try await fixture.desk.redrive(id, by: "ops", deadline: soon())
            try await bench.tryParked(fixture.lot)
            #expect(try await bench.effects() == ["found"])
            #expect(try await fixture.desk.find(id, deadline: soon()).status == .redriven)
        }
    }

    @Test("a discarded letter stays with its reason, is counted, and comes back if its message does")
    func discarded() async throws {
        try await Bench.with { bench, _ in
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let fixture = try await Fixture(bench, dead: ["1"], order: order)
            let letter = try #require(try await fixture.open().first)
            let after = try await fixture.desk.discard(letter.id, by: "ops", because: "a test", deadline: soon())
            #expect(after.status == .discarded)
            #expect(after.resolution == "a test")
            #expect(fixture.desk.discards.map(\.count) == [1])
            #expect(try await bench.client.query(DeadLetter.census)[0].int8(0) == 0)
            guard case .message(let message) = letter.content else {
                Issue.record("it could be read")
                return
            }
            try await fixture.processor.process([message])
            for _ in 0..<3 { try await bench.tryParked(fixture.lot) }
            #expect(try await fixture.open().map(\.id) == [letter.id])
        }
    }

    @Test("lists go by status, reason and topic, the newest first, and count what is open")
    func lists() async throws {
        try await Bench.with { bench, _ in
            let order = bench.messages.newID(at: bench.messages.wallNow)
            let fixture = try await Fixture(bench, dead: ["1", "2", "3"], order: order)
            let first = try await fixture.desk.list(
                DeadLetterFilter(status: .open), after: nil, limit: 2, deadline: soon())
            #expect(first.letters.count == 2)
            #expect(first.counts.map(\.count) == [3])
            #expect(first.counts.first?.reason == .failed)
            let rest = try await fixture.desk.list(
                DeadLetterFilter(status: .open), after: first.letters[1].id, limit: 2, deadline: soon())
            #expect(rest.letters.map(\.payload) == [Array("1".utf8)])
            let others = DeadLetterFilter(status: .open, reason: .refused)
            #expect(try await fixture.desk.list(others, after: nil, limit: 2, deadline: soon()).letters.isEmpty)
        }
    }
}
