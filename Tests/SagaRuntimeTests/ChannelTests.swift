import Clocks
import Messaging
import Postgres
import Resilience
import Saga
import Synchronization
import TestSupport
import Testing

@testable import SagaRuntime

/// The ways of commands, as a test wants them.
final class Ways: CommandChannels {
    private struct State {
        var way = CommandWay.kafka
        var sent: [DirectCommand] = []
        var lostSince = Duration.seconds(1_000_000)
    }

    private let state = Mutex(State())

    init(_ way: CommandWay = .kafka) {
        set(way)
    }

    func set(_ way: CommandWay) { state.withLock { $0.way = way } }

    /// From now on what was sent longer ago counts as lost.
    func lose(after age: Duration) { state.withLock { $0.lostSince = age } }

    var sent: [String] { state.withLock { $0.sent.map(\.name) } }
    var commands: [DirectCommand] { state.withLock { $0.sent } }

    func way(of _: String, attempt _: Int) -> CommandWay { state.withLock { $0.way } }
    func mayHaveLost(_ age: Duration) -> Bool { state.withLock { age >= $0.lostSince } }
    func send(_ commands: [DirectCommand]) { state.withLock { $0.sent += commands } }
}

@Suite("Sagas with a second way for their commands")
struct ChannelTests {
    private func channels(_ bench: SagaBench, _ saga: UUID) async throws -> [String] {
        try await bench.client.query(JournalStatements.journal(of: saga)).map {
            try JournalStatements.entry($0).channel.rawValue
        }
    }

    @Test("a command that goes directly is not in the outbox, has the same id, and the journal says so")
    func direct() async throws {
        let ways = Ways(.direct)
        try await SagaBench.with(channels: ways) { bench, _ in
            let saga = try await bench.start(1)[0]
            #expect(try await bench.said(about: saga).isEmpty)
            try #require(ways.sent == ["pack"])
            #expect(
                ways.commands[0].message.envelope.id
                    == SagaBatch<ParcelProcess>.commandID(saga: saga, step: 0, kind: .action))
            #expect(ways.commands[0].patience > .seconds(4) && ways.commands[0].patience <= .seconds(5))
            try await bench.processor.process([bench.reply("pack", to: saga)])
            try await bench.processor.process([bench.reply("weigh", to: saga)])
            try await bench.processor.process([bench.reply("send", to: saga)])
            #expect(try await bench.status(saga) == "completed")
            #expect(ways.sent == ["pack", "weigh", "send"])
            #expect(try await channels(bench, saga) == ["http", "http", "local", "http"])
        }
    }

    @Test("a repeat takes the way there is then, under the same id, and the journal tells the last one")
    func change() async throws {
        let ways = Ways()
        try await SagaBench.with(channels: ways) { bench, _ in
            let saga = try await bench.start(1)[0]
            #expect(try await channels(bench, saga) == ["kafka"])
            ways.set(.direct)
            try await bench.makeDue([saga])
            _ = try await bench.coordinator.advanceDue()
            #expect(try await bench.said(about: saga).map(\.id) == ways.commands.map(\.message.envelope.id))
            #expect(try await channels(bench, saga) == ["http"])
            ways.set(.kafka)
            try await bench.makeDue([saga])
            _ = try await bench.coordinator.advanceDue()
            #expect(try await bench.said(about: saga).count == 2)
            #expect(try await channels(bench, saga) == ["kafka"])
            #expect(try await bench.journal(saga) == ["pack action pending 3"])
        }
    }

    @Test("without a way a saga is parked in its place, forward and backward, and goes on when there is one")
    func parked() async throws {
        let ways = Ways(.none(retryAfter: .seconds(3)))
        try await SagaBench.with(channels: ways) { bench, _ in
            let saga = try await bench.start(1)[0]
            #expect(try await bench.status(saga) == "parked")
            #expect(try await bench.journal(saga) == ["pack action parked 1"])
            for _ in 0..<3 {
                #expect(try await bench.coordinator.advanceDue() == 0, "it waits for its time")
                try await bench.makeDue([saga])
                #expect(try await bench.coordinator.advanceDue() == 1)
            }
            #expect(try await bench.said(about: saga).isEmpty)
            #expect(ways.sent.isEmpty)
            #expect(try await bench.journal(saga) == ["pack action parked 1"], "no attempt is spent")
            ways.set(.direct)
            try await bench.makeDue([saga])
            _ = try await bench.coordinator.advanceDue()
            #expect(ways.sent == ["pack"])
            #expect(try await bench.status(saga) == "running")

            ways.set(.none(retryAfter: .seconds(3)))
            try await bench.processor.process([bench.reply("pack", to: saga)])
            try await bench.processor.process([bench.reply("weigh", .failed, reason: .timedOut, to: saga)])
            #expect(try await bench.status(saga) == "parked")
            #expect(
                try await bench.journal(saga) == [
                    "pack action succeeded 1", "weigh action failed 1", "unpack compensation parked 1",
                ])
            ways.set(.kafka)
            try await bench.makeDue([saga])
            _ = try await bench.coordinator.advanceDue()
            #expect(try await bench.status(saga) == "compensating")
            try await bench.processor.process([bench.reply("unpack", to: saga)])
            #expect(try await bench.notes(saga) == "compensated: timed-out")
        }
    }

    @Test("a repeat that has no way costs no attempt and nothing of the retry budget")
    func parkedRepeat() async throws {
        let ways = Ways()
        var configuration = RetryBudgetConfiguration()
        configuration.floorPerSecond = 0
        let budgets = RetryBudgets(configuration: configuration, time: SystemTime())
        try await SagaBench.with(budgets: budgets, channels: ways) { bench, _ in
            let saga = try await bench.start(1)[0]
            ways.set(.none(retryAfter: .seconds(3)))
            try await bench.makeDue([saga])
            _ = try await bench.coordinator.advanceDue()
            #expect(try await bench.journal(saga) == ["pack action parked 1"])
            #expect(budgets.budget(for: "post-office").snapshot.refused == 0)
        }
    }

    @Test("what could not be delivered parks its saga, unless the answer has come meanwhile")
    func parkAfterwards() async throws {
        try await SagaBench.with(channels: Ways(.direct)) { bench, _ in
            let sagas = try await bench.start(2)
            try await bench.processor.process([bench.reply("pack", to: sagas[1])])
            let before = try await bench.picture(sagas[1])
            try await bench.coordinator.park(sagas.map { (saga: $0, command: "pack", wait: .seconds(2)) })
            #expect(try await bench.status(sagas[0]) == "parked")
            #expect(try await bench.picture(sagas[1]) == before)
            try await bench.processor.process([bench.reply("pack", to: sagas[0])])
            #expect(try await bench.status(sagas[0]) == "running")
        }
    }

    @Test("the first repeat of what was lost with the broker is free, the second is not")
    func lost() async throws {
        let ways = Ways()
        var configuration = RetryBudgetConfiguration()
        configuration.floorPerSecond = 0
        let budgets = RetryBudgets(configuration: configuration, time: SystemTime())
        try await SagaBench.with(budgets: budgets, channels: ways) { bench, _ in
            let sagas = try await bench.start(20)
            ways.lose(after: .zero)
            try await bench.makeDue(sagas)
            _ = try await bench.coordinator.advanceDue()
            for saga in sagas { #expect(try await bench.journal(saga) == ["pack action pending 2"]) }
            try await bench.makeDue(sagas)
            _ = try await bench.coordinator.advanceDue()
            for saga in sagas { #expect(try await bench.journal(saga) == ["pack action pending 2"]) }
        }
    }
}
