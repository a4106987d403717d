import Clocks
import Postgres
import Testing

@testable import SagaRuntime

@Suite("What is removed of sagas after their time")
struct SagaRetentionTests {
    @Test("journals of sagas that ended long ago go; running ones and the sagas themselves stay")
    func journal() async throws {
        try await SagaBench.with { bench, _ in
            let ended = bench.messages.newID(at: bench.messages.wallNow.advanced(by: .seconds(-86_400 * 100)))
            let running = bench.messages.newID(at: bench.messages.wallNow.advanced(by: .seconds(-86_400 * 100)))
            let young = bench.messages.newID(at: bench.messages.wallNow)
            for (saga, status, days) in [
                (ended, "completed", 100), (running, "running", 100), (young, "compensated", 1),
            ] {
                _ = try await bench.client.query(
                    Statement(
                        """
                        WITH saga AS (
                            INSERT INTO sagas (id, definition, version, status, position, attempts, step_started_at,
                                               started_at, entries)
                            VALUES ($1::uuid, 'd', 1, $2::text, 0, 1, now(), now() - make_interval(days => $3::int4), 2))
                        INSERT INTO saga_steps (saga_id, entry, step, kind, status, attempts, channel, started_at)
                        SELECT $1::uuid, entry, 's', 'action', 'succeeded', 1, 'kafka', now() FROM generate_series(0, 1)
                            AS entry
                        """, [.uuid(saga), .text(status), .int4(Int32(days))]))
            }
            let prune = SagaRetention.journal(olderThan: .seconds(86_400 * 90), limit: 1)
            for expected in [1, 1, 0] { #expect(try await bench.client.query(prune).affected == expected) }
            let left = try await bench.client.query(
                Statement("SELECT DISTINCT saga_id FROM saga_steps ORDER BY saga_id"))
            #expect(try left.map { try $0.uuid(0) } == [running, young].sorted())
            #expect(try await bench.client.query(Statement("SELECT count(*) FROM sagas"))[0].int8(0) == 3)
        }
    }
}
