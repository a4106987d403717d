import Clocks
import Postgres
import Saga
import TestSupport
import Testing

@testable import SagaRuntime

@Suite("What customers and operators want of sagas")
struct WishTests {
    private func quarantine(_ bench: SagaBench, _ sagas: [UUID]) async throws {
        try await bench.processor.process(sagas.map { bench.reply("pack", to: $0) })
        try await bench.processor.process(sagas.map { bench.reply("weigh", .failed, reason: .timedOut, to: $0) })
        _ = try await bench.client.query(
            Statement(
                "UPDATE sagas SET step_started_at = now() - interval '1 h', due_at = now() WHERE id = ANY($1::uuid[])",
                [.uuids(sagas)]))
        _ = try await bench.coordinator.advanceDue()
        for saga in sagas { #expect(try await bench.status(saga) == "quarantined") }
    }

    @Test("compensations that were given up are taken up again, one by one or all of a name, under the same id")
    func redrive() async throws {
        try await SagaBench.with { bench, _ in
            let sagas = try await bench.start(5)
            try await quarantine(bench, Array(sagas.prefix(4)))
            #expect(try await bench.coordinator.redrive(sagas[0]) == .done)
            #expect(try await bench.status(sagas[0]) == "compensating")
            #expect(try await bench.coordinator.redrive(sagas[0]) == .ignored("the saga is not quarantined"))
            #expect(try await bench.coordinator.redrive(sagas[4]) == .ignored("the saga is not quarantined"))
            #expect(try await bench.coordinator.redriveAll("unweigh") == 0)
            #expect(try await bench.coordinator.redriveAll("unpack") == 3)
            #expect(try await bench.coordinator.redriveAll("unpack") == 0)
            try await bench.processor.process(sagas.map { bench.reply("unpack", to: $0) })
            for saga in sagas.prefix(4) {
                #expect(try await bench.notes(saga) == "compensated: timed-out")
                let undoing = try await bench.said(about: saga).filter { $0.type == "unpack" }
                #expect(undoing.count == 2 && Set(undoing.map(\.id)).count == 1)
            }
        }
    }

    @Test("a retry sends the command again at once; what is not there or at its end is told")
    func retry() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            #expect(try await bench.coordinator.retry(saga) == .done)
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "pack"])
            let stranger = bench.messages.newID(at: bench.messages.wallNow)
            #expect(try await bench.coordinator.retry(stranger) == .notFound)
            #expect(try await bench.coordinator.cancel(stranger, reason: "whim") == nil)
            try await bench.processor.process([bench.reply("pack", .failed, reason: .outOfStock, to: saga)])
            #expect(try await bench.coordinator.retry(saga) == .ignored("the saga has ended"))
        }
    }

    @Test(
        "of a wish to cancel and the reply that passes the pivot one comes first, at whichever replica, and both know")
    func race() async throws {
        try await SagaBench.with { bench, database in
            let other = try SagaBench(database, owner: 2)
            defer { other.client.close() }
            let sagas = try await bench.start(40)
            try await bench.processor.process(sagas.map { bench.reply("pack", to: $0) })
            let answers = try await withThrowingTaskGroup(of: (UUID, SagaMachine.Cancellation?).self) { group in
                for (index, saga) in sagas.enumerated() {
                    let (canceller, replier) = index % 2 == 0 ? (bench, other) : (other, bench)
                    group.addTask { (saga, try await canceller.coordinator.cancel(saga, reason: "whim")) }
                    group.addTask {
                        try await replier.processor.process([replier.reply("weigh", to: saga)])
                        return (saga, nil)
                    }
                }
                return try await group.reduce(into: [UUID: SagaMachine.Cancellation]()) { $0[$1.0] = $1.1 ?? $0[$1.0] }
            }
            for saga in sagas {
                let isSealed = try await bench.notes(saga).contains("seal")
                #expect(answers[saga] == (isSealed ? .alreadyCompleted : .accepted))
                #expect(try await bench.status(saga) == (isSealed ? "running" : "compensating"))
            }
        }
    }

    @Test("sagas are found by status, step and age, page by page")
    func search() async throws {
        try await SagaBench.with { bench, _ in
            let sagas = try await bench.start(7).sorted()
            try await bench.processor.process([bench.reply("pack", to: sagas[0])])
            try await bench.processor.process([bench.reply("pack", .failed, reason: .outOfStock, to: sagas[1])])
            _ = try await bench.client.query(
                Statement(
                    "UPDATE sagas SET started_at = started_at - interval '1 h' WHERE id = $1::uuid", [.uuid(sagas[2])]))
            func find(
                _ status: SagaState.Status? = nil, step: String? = nil, age: Duration? = nil,
                after: SagaSummary? = nil, limit: Int = 100
            ) async throws -> [SagaSummary] {
                try await bench.client.query(
                    SagaQueries.list(
                        status: status, step: step, minimumAge: age,
                        after: after.map { (startedAt: $0.state.startedAt, id: $0.id) }, limit: limit)
                ).map { try SagaQueries.summary($0) }
            }
            let all = try await find()
            #expect(
                all.map(\.id) == [sagas[2], sagas[0]] + sagas[3...], "the oldest first, without the one at its end")
            #expect(try await find(.compensated).map(\.id) == [sagas[1]])
            #expect(try await find(step: "weigh").map(\.id) == [sagas[0]])
            #expect(try await find(.running, step: "pack").count == 5)
            #expect(try await find(age: .seconds(600)).map(\.id) == [sagas[2]])
            var walked: [UUID] = []
            var last: SagaSummary?
            while let next = try await find(after: last, limit: 2).last {
                walked += try await find(after: last, limit: 2).map(\.id)
                last = next
            }
            #expect(walked == all.map(\.id))
            #expect(
                try SagaQueries.summary(try await bench.client.query(SagaQueries.find(sagas[0]))[0]).step == "weigh")
        }
    }
}
