import Clocks
import Postgres
import TestSupport
import Testing

@testable import Messaging

@Suite("The unit of work on a real database")
struct UnitOfWorkTests {
    private struct Thrown: Error, Equatable {}

    @Test("what is decided is committed with its messages, which are published right after and removed")
    func commit() async throws {
        try await Bench.with { bench, _ in
            let message = bench.outgoing("said")
            let read = try await bench.unitOfWork.run(
                reads: [Statement("SELECT 42::int8"), Statement("SELECT 'x'")], deadline: soon()
            ) { rows in
                let number = try rows[0][0].int8(0)
                #expect(try rows[1][0].text(0) == "x")
                return UnitOfWork.Decision(
                    writes: [Bench.effect(["done"])], outgoing: [message], result: number)
            }
            #expect(read == 42)
            #expect(try await bench.effects() == ["done"])
            try await eventually("the message is published") { bench.publisher.taken == [message] }
            try await eventually("its row is removed") { try await bench.count("outbox_messages") == 0 }
        }
    }

    @Test("a decision that throws leaves neither state nor messages")
    func rollback() async throws {
        try await Bench.with { bench, _ in
            await #expect(throws: Thrown()) {
                try await bench.unitOfWork.run(reads: [Bench.effect(["by a read"])], deadline: soon()) {
                    _ -> UnitOfWork.Decision<Void> in throw Thrown()
                }
            }
            #expect(try await bench.effects().isEmpty)
            #expect(try await bench.count("outbox_messages") == 0)
            // The connection is as good as before.
            try await bench.unitOfWork.run(reads: [], deadline: soon()) { _ in
                UnitOfWork.Decision(writes: [Bench.effect(["next"])], result: ())
            }
            #expect(try await bench.effects() == ["next"])
        }
    }

    @Test("a write that fails takes the messages and the other writes with it, and nothing runs after the commit")
    func failingWrite() async throws {
        try await Bench.with { bench, _ in
            let message = bench.outgoing("never")
            await #expect(throws: PostgresError.self) {
                try await bench.unitOfWork.run(reads: [], deadline: soon()) { _ in
                    UnitOfWork.Decision(
                        writes: [Bench.effect(["lost"]), Statement("INSERT INTO effects (text) VALUES (NULL)")],
                        outgoing: [message], afterCommit: { Issue.record("nothing was committed") }, result: ())
                }
            }
            let effects = try await bench.effects()
            #expect(effects.isEmpty)
            #expect(try await bench.count("outbox_messages") == 0)
            #expect(bench.publisher.taken.isEmpty)
        }
    }
}
