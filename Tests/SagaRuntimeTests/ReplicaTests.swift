import Clocks
import Contracts
import Glibc
import Messaging
import Postgres
import Saga
import Synchronization
import TestSupport
import Testing

@testable import SagaRuntime

/// A clock that is wrong by a fixed amount; it passes as fast as the right one.
private struct WrongTime: TimeSource {
    let error: Duration
    private let right = SystemTime()

    init(by error: Duration) { self.error = error }

    var now: MonotonicInstant { right.now }
    var wallNow: Timestamp { right.wallNow.advanced(by: error) }
    func sleep(until deadline: MonotonicInstant) async throws { try await right.sleep(until: deadline) }
}

@Suite("Replicas that disagree, stop, or know other versions")
struct ReplicaTests {
    @Test("clocks that are ten minutes apart make nobody act too early or too late", arguments: [-600, 600])
    func clocks(seconds: Int64) async throws {
        try await SagaBench.with { bench, database in
            let wrong = try SagaBench(database, owner: 2, time: WrongTime(by: .seconds(seconds)))
            defer { wrong.client.close() }
            // Each starts a saga, and each looks at both.
            let sagas = [try await bench.start(1)[0], try await wrong.start(1)[0]]
            for replica in [bench, wrong] { #expect(try await replica.coordinator.advanceDue() == 0) }
            let due = try await bench.client.query(
                Statement(
                    """
                    SELECT extract(epoch FROM due_at - clock_timestamp())::float8,
                           extract(epoch FROM clock_timestamp() - started_at)::float8 FROM sagas
                    """))
            for row in due {
                #expect((3.0...5.0).contains(try row.double(0)))
                #expect((0.0...2.0).contains(try row.double(1)))
            }
            for (index, replica) in [wrong, bench].enumerated() {
                try await bench.makeDue([sagas[index]])
                #expect(try await replica.coordinator.advanceDue() == 1)
            }
            // Nothing is undone for a clock's sake: the patience of two minutes is by the database's clock too.
            for saga in sagas {
                #expect(try await bench.journal(saga) == ["pack action pending 2"])
                // A command's deadline is by the clock that says when it was said, whoever sent it.
                for patience in try await bench.patience(saga) {
                    #expect((100.0...120.0).contains(try #require(patience)))
                }
            }
        }
    }

    /// Stopped by a signal in the middle of a transaction, it wakes up after the database has given its session up.
    @Test("a replica that was stopped in the middle of a step wakes up to a commit that fails")
    func stopped() async throws {
        try await SagaBench.with { bench, database in
            let sleeper = try SagaBench(database, owner: 2)
            defer { sleeper.client.close() }
            let saga = try await bench.start(1)[0]
            let (isAsleep, mayWake) = (Gate(), Gate())
            sleeper.process.interruption.set {
                isAsleep.open()
                mayWake.waitBlocking()
            }
            let step = Task { try await sleeper.processor.answer([sleeper.reply("pack", to: saga)]) }
            await isAsleep.wait()
            _ = try await bench.client.query(
                Statement(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND state = 'idle in transaction'
                    """))
            try await bench.processor.process([bench.reply("pack", to: saga)])
            try await bench.processor.process([bench.reply("weigh", .failed, reason: .timedOut, to: saga)])
            let before = try await bench.picture(saga)
            mayWake.open()
            await #expect(throws: PostgresError.self) { _ = try await step.value }
            #expect(try await bench.picture(saga) == before, "what it had decided has no effect")
            #expect(try await bench.said(about: saga).map(\.type) == ["pack", "weigh", "unpack"])
        }
    }

    @Test("a saga stays on the version it began with, as long as somebody knows it")
    func pinned() async throws {
        try await SagaBench.with { bench, database in
            let newer = try SagaBench(database, owner: 2, version: 2, earlier: [1])
            defer { newer.client.close() }
            let (old, new) = (try await bench.start(1)[0], try await newer.start(1)[0])
            try await newer.processor.process([newer.reply("pack", to: old), newer.reply("pack", to: new)])
            #expect(try await newer.said(about: old).map(\.type) == ["pack", "weigh"])
            #expect(try await newer.said(about: new).map(\.type) == ["pack", "send"], "version 2 does not weigh")
            try await newer.makeDue([old])
            #expect(try await newer.coordinator.advanceDue() == 1)
            // Who does not know version 2 leaves its saga alone, and can say how many there are.
            let unknown = try await bench.client.query(
                SagaStatements.unknownVersions("parcel", known: bench.process.knownVersions))
            #expect(unknown.count == 1)
            #expect(try unknown[0].int4(0) == 2 && (try unknown[0].int8(1)) == 1)
            try await bench.processor.process([bench.reply("send", to: new)])
            #expect(try await bench.status(new) == "running")
            #expect(try await bench.coordinator.cancel(new, reason: "whim") == nil)
            #expect(try await bench.coordinator.retry(new) == .leftAlone)
        }
    }
}

/// Lets one side wait for the other, also a thread that may block.
private final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    func wait() async {
        while !isOpen.withLock({ $0 }) { try? await SystemTime().sleep(for: .milliseconds(1)) }
    }

    /// For the connection's own thread alone, which is there to be blocked.
    func waitBlocking() {
        while !isOpen.withLock({ $0 }) { _ = usleep(1000) }
    }
}
