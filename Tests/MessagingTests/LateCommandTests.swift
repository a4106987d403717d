import Clocks
import Contracts
import Postgres
import Resilience
import TestSupport
import Testing

@testable import Messaging

/// Commands whose deadline has passed, on a real database.
@Suite("Commands that come too late")
struct LateCommandTests {
    private func command(
        _ bench: Bench, _ type: String = MessageType.chargePayment, late: Duration?, offset: Int64
    ) -> IncomingMessage {
        var message = bench.incoming("command \(offset)", offset: offset)
        message.envelope.type = type
        // Said with a patience of a second, so as long ago as it is late, and that second.
        if let late, late > .zero {
            message.envelope.time = bench.messages.wallNow.advanced(by: .zero - late - .seconds(1))
        }
        message.envelope.deadline = late.map { bench.messages.wallNow.advanced(by: .zero - $0) }
        return message
    }

    /// Commands in time, which tell how far the clocks are apart.
    private func inTime(_ bench: Bench, _ count: Int64) -> [IncomingMessage] {
        (0..<count).map { command(bench, late: .seconds(-60), offset: $0) }
    }

    private func replies(_ bench: Bench) -> [CommandReply] {
        bench.publisher.taken.filter { $0.topic == Topic.sagaReplies.rawValue }.compactMap {
            try? CommandReply(decoding: $0.envelope.payload)
        }
    }

    @Test("are not begun but answered as timed out, and stay so when they come again with a later deadline")
    func refused() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            var late = command(bench, late: .seconds(5), offset: 99)
            try await processor.process(inTime(bench, 4) + [late])
            #expect(try await bench.effects() == ["command 0", "command 1", "command 2", "command 3"])
            #expect(processor.statistics.expired == 1)
            let refusal = CommandReply(
                orderID: late.envelope.orderID, command: ChargePayment.name, outcome: .failed, reason: .timedOut)
            try await eventually("the saga is told") { replies(bench) == [refusal] }
            // The saga takes the answer to mean that there is and will be no effect.
            late.envelope.deadline = bench.messages.wallNow.advanced(by: .seconds(60))
            try await processor.process([late])
            #expect(try await bench.effects().count == 4)
            try await eventually("the recorded answer is given again") { replies(bench) == [refusal, refusal] }
        }
    }

    @Test("are begun without a deadline: compensations and what must be done")
    func withoutDeadline() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            try await processor.process(
                inTime(bench, 4) + [command(bench, MessageType.refundPayment, late: nil, offset: 9)])
            #expect(try await bench.effects().count == 5)
            #expect(processor.statistics.expired == 0)
        }
    }

    @Test("are known by how long they were under way, and not by what the clocks show", arguments: [-600.0, 600])
    func wrongClock(skew: Double) async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            var batch = inTime(bench, 3) + (3..<13).map { command(bench, late: .seconds(5), offset: $0) }
            for index in batch.indices {
                batch[index].envelope.time = batch[index].envelope.time.advanced(by: .seconds(skew))
                batch[index].envelope.deadline = batch[index].envelope.deadline?.advanced(by: .seconds(skew))
            }
            try await processor.process(batch)
            #expect(processor.statistics.expired == 10)
            #expect(processor.statistics.begunLate == 0)
            #expect(try await bench.effects().count == 3)
        }
    }

    @Test("have their recorded answer repeated when they were handled in time")
    func handledBefore() async throws {
        try await Bench.with { bench, _ in
            let processor = bench.processor(EchoHandler(messages: bench.messages))
            var message = command(bench, late: .seconds(-60), offset: 50)
            try await processor.process([message])
            message.envelope.deadline = bench.messages.wallNow.advanced(by: .seconds(-60))
            try await processor.process(inTime(bench, 9) + [message])
            #expect(try await bench.effects().count == 10)
            #expect(replies(bench).isEmpty)
            #expect(processor.statistics.repeated == 1)
        }
    }

    @Test("a further try against a database that fails waits for the retry budget, and is made in the end")
    func budget() async throws {
        try await Bench.with(relayRuns: false) { bench, database in
            var account = RetryBudgetConfiguration()
            account.floorPerSecond = 0
            let budget = RetryBudget(name: "database", configuration: account, time: SystemTime())
            var configuration = MessageProcessor.Configuration()
            configuration.minimumBackoff = .milliseconds(1)
            configuration.maximumBackoff = .milliseconds(10)
            configuration.postponements = 3
            let processor = MessageProcessor(
                handler: EchoHandler(messages: bench.messages), unitOfWork: bench.unitOfWork, messages: bench.messages,
                configuration: configuration, budget: budget, time: SystemTime(), log: .silent)
            // The first try dies with its connection.
            _ = try await bench.client.query(
                Statement(
                    """
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$
                    """))
            _ = try await bench.client.query(
                Statement("CREATE TRIGGER die BEFORE INSERT ON effects FOR EACH ROW EXECUTE FUNCTION die()"))
            let work = Task { try await processor.process([bench.incoming("kept")]) }
            try await eventually("a try has failed") { processor.statistics.retries >= 1 }
            _ = try await bench.client.query(Statement("DROP TRIGGER die ON effects"))
            try await work.value
            #expect(try await bench.effects() == ["kept"])
            #expect(processor.statistics.postponed >= 3)
            #expect(budget.snapshot.refused >= 3)
        }
    }
}
