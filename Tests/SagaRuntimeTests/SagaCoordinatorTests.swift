import Clocks
import Contracts
import Messaging
import Postgres
import Saga
import TestSupport
import Testing

@testable import SagaRuntime

@Suite("The saga coordinator on a real database")
struct SagaCoordinatorTests {
    @Test("batches of replies take many sagas to their end, one transaction a batch")
    func manyForward() async throws {
        try await SagaBench.with { bench, _ in
            let sagas = try await bench.start(30)
            for step in ["pack", "weigh", "send"] {
                try await bench.processor.process(sagas.map { bench.reply(step, to: $0) })
                let writers = try await bench.client.query(Statement("SELECT DISTINCT xmin::text FROM sagas"))
                #expect(writers.count == 1)
            }
            for saga in sagas {
                #expect(try await bench.status(saga) == "completed")
                #expect(try await bench.said(about: saga).map(\.type) == ["pack", "weigh", "send"])
                #expect(try await bench.notes(saga) == "seal, completed")
                #expect(
                    try await bench.journal(saga) == [
                        "pack action succeeded 1", "weigh action succeeded 1", "seal action succeeded 1",
                        "send action succeeded 1",
                    ])
            }
            #expect(try await bench.coordinator.advanceDue() == 0)
        }
    }

    @Test("two replies to one saga in one batch both count, in their order")
    func twoInBatch() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            try await bench.processor.process([
                bench.reply("pack", to: saga), bench.reply("weigh", .failed, reason: .timedOut, to: saga),
            ])
            #expect(try await bench.status(saga) == "compensating")
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "weigh", "unpack"])
            try await bench.processor.process([bench.reply("unpack", to: saga)])
            #expect(try await bench.status(saga) == "compensated")
            #expect(try await bench.notes(saga) == "compensated: timed-out")
            #expect(
                try await bench.journal(saga) == [
                    "pack action succeeded 1", "weigh action failed 1", "unpack compensation succeeded 1",
                ])
        }
    }

    @Test("repeated, late and foreign replies change nothing")
    func ignored() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            let answer = bench.reply("pack", to: saga)
            try await bench.processor.process([answer])
            let before = try await bench.picture(saga)
            try await bench.processor.process([
                answer, bench.reply("pack", .failed, reason: .timedOut, to: saga), bench.reply("unpack", to: saga),
                bench.reply("send", to: saga), bench.reply("no step of ours", to: saga),
            ])
            #expect(try await bench.picture(saga) == before)
        }
    }

    @Test("a reply to nobody and a reply that is none are parked, and their neighbour counts unless it is behind them")
    func refused() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            let stranger = bench.messages.newID(at: bench.messages.wallNow)
            let other = try await bench.start(1)[0]
            var broken = bench.reply("pack", to: other)
            broken.envelope.payload = Array("{".utf8)
            try await bench.processor.process([
                broken, bench.reply("pack", to: stranger), bench.reply("pack", to: saga),
                bench.reply("pack", to: other),
            ])
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "weigh"])
            #expect(try await bench.said(about: other).map(\.type) == ["pack"])
            let parked = try await bench.client.query(
                Statement("SELECT trouble FROM parked_messages ORDER BY place"))
            #expect(try parked.map { try $0.optionalText(0) } == ["refused", "refused", nil])
        }
    }

    @Test("a command without an answer is sent again under the same id, other steps and their undoing have others")
    func resend() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            #expect(try await bench.coordinator.advanceDue() == 0)
            for _ in 0..<2 {
                try await bench.makeDue([saga])
                #expect(try await bench.coordinator.advanceDue() == 1)
                // The next wait has begun.
                #expect(try await bench.coordinator.advanceDue() == 0)
            }
            try await bench.processor.process([bench.reply("pack", to: saga)])
            try await bench.processor.process([bench.reply("weigh", .failed, reason: .timedOut, to: saga)])
            try await bench.makeDue([saga])
            _ = try await bench.coordinator.advanceDue()
            let said = try await bench.said(about: saga)
            #expect(said.map(\.type) == ["pack", "pack", "pack", "weigh", "unpack", "unpack"])
            #expect(Set(said.map(\.id)).count == 3)
            #expect(Set(said.filter { $0.type == "pack" }.map(\.id)).count == 1)
            #expect(Set(said.filter { $0.type == "unpack" }.map(\.id)).count == 1)
            #expect(
                try await bench.journal(saga) == [
                    "pack action succeeded 3", "weigh action failed 1", "unpack compensation pending 2",
                ])
        }
    }

    @Test("commands of different sagas and steps never share an id")
    func commandIDs() async throws {
        try await SagaBench.with { bench, _ in
            let sagas = try await bench.start(50)
            try await bench.processor.process(sagas.map { bench.reply("pack", to: $0) })
            try await bench.processor.process(sagas.map { bench.reply("weigh", to: $0) })
            let ids = try await bench.said().map(\.id)
            #expect(ids.count == 150)
            #expect(Set(ids).count == 150)
        }
    }

    @Test("a step whose patience is over is given up, counts as done perhaps, and is undone")
    func givesUp() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            _ = try await bench.client.query(
                Statement("UPDATE sagas SET step_started_at = now() - interval '1 hour'"))
            try await bench.makeDue([saga])
            #expect(try await bench.coordinator.advanceDue() == 1)
            #expect(try await bench.status(saga) == "compensating")
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "unpack"])
            #expect(
                try await bench.journal(saga) == ["pack action unknown 1", "unpack compensation pending 1"])
            // The answer that comes now comes too late.
            let before = try await bench.picture(saga)
            try await bench.processor.process([bench.reply("pack", to: saga)])
            #expect(try await bench.picture(saga) == before)
            try await bench.processor.process([bench.reply("unpack", .nothingToUndo, to: saga)])
            #expect(try await bench.notes(saga) == "compensated: timed-out")
        }
    }

    @Test("two processes that advance the same due sagas send each command once an attempt")
    func twoCoordinators() async throws {
        try await SagaBench.with { bench, database in
            let other = try SagaBench(database, owner: 2)
            defer { other.client.close() }
            let sagas = try await bench.start(60)
            for attempt in 2...4 {
                try await bench.makeDue(sagas)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in [bench, other, bench, other] {
                        group.addTask { _ = try await worker.coordinator.advanceDue() }
                    }
                    try await group.waitForAll()
                }
                // Whoever met a lock passed over it; what is left over is due still.
                while try await bench.coordinator.advanceDue() > 0 {}
                let said = try await bench.said()
                for saga in sagas { #expect(said.count { $0.saga == saga } == attempt) }
            }
        }
    }

    @Test("a saga of another version is left alone, whatever comes")
    func otherVersion() async throws {
        try await SagaBench.with { bench, database in
            let newer = try SagaBench(database, owner: 2, version: 2)
            defer { newer.client.close() }
            let saga = try await bench.start(1)[0]
            try await bench.makeDue([saga])
            let before = try await bench.picture(saga)
            // It is not even found, or a crowd of such sagas would keep the others from being found.
            #expect(try await newer.coordinator.advanceDue() == 0)
            try await newer.processor.process([newer.reply("pack", to: saga)])
            #expect(try await bench.picture(saga) == before)
            #expect(try await bench.coordinator.advanceDue() == 1)
            #expect(try await bench.picture(saga) != before)
        }
    }

    @Test("a crash between the reads and the commit leaves the saga as it was")
    func crash() async throws {
        try await SagaBench.with { bench, _ in
            let saga = try await bench.start(1)[0]
            try await bench.makeDue([saga])
            let before = try await bench.picture(saga)
            bench.process.isBroken.set(true)
            await #expect(throws: ParcelProcess.Unreadable.self) { try await bench.coordinator.advanceDue() }
            #expect(try await bench.picture(saga) == before)
            bench.process.isBroken.set(false)
            #expect(try await bench.coordinator.advanceDue() == 1)
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "pack"])
        }
    }

    @Test("a saga whose details cannot be read is left alone, and its neighbours go on")
    func unreadable() async throws {
        try await SagaBench.with { bench, _ in
            let sagas = try await bench.start(2)
            _ = try await bench.client.query(
                Statement(
                    "UPDATE parcels SET text = $1::text WHERE id = $2::uuid",
                    [.text(ParcelProcess.unreadable), .uuid(sagas[0])]))
            try await bench.makeDue(sagas)
            let before = try await bench.picture(sagas[0])
            #expect(try await bench.coordinator.advanceDue() == 2)
            #expect(try await bench.picture(sagas[0]) == before)
            #expect(try await bench.said(about: sagas[1]).map(\.type) == ["pack", "pack"])
        }
    }
}
