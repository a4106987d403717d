import Clocks
import Postgres
import Saga

/// A saga as its row tells.
struct SagaRecord: Sendable {
    var id: UUID
    var definition: String
    var version: Int
    var state: SagaState
}

/// The statements about sagas and their journal.
package enum SagaStatements {
    /// The database's clock: due times of several processes are compared by it alone.
    package static let now = Statement("SELECT clock_timestamp()")

    /// Locks sagas in order of their ids; with `skipsLocked`, passes over those that somebody else is advancing.
    static func lock(_ ids: [UUID], skipsLocked: Bool = false) -> Statement {
        let columns = """
            id, definition, version, status, position, attempts, step_started_at, due_at, started_at, failure, entries
            """
        let lock = skipsLocked ? "FOR UPDATE SKIP LOCKED" : "FOR UPDATE"
        return Statement("SELECT \(columns) FROM sagas WHERE id = ANY($1::uuid[]) ORDER BY id \(lock)", [.uuids(ids)])
    }

    static func record(_ row: Row) throws -> SagaRecord {
        SagaRecord(
            id: try row.uuid(0), definition: try row.text(1), version: Int(try row.int4(2)),
            state: SagaState(
                status: try row.rawValue(3), position: Int(try row.int4(4)), attempts: Int(try row.int4(5)),
                stepStartedAt: try row.timestamp(6), dueAt: try row.optionalTimestamp(7),
                startedAt: try row.timestamp(8), failure: try row.optionalText(9), entries: Int(try row.int4(10))))
    }

    /// The sagas of this definition that are due, the longest overdue first: `(id)`.
    ///
    /// Those of other versions are others' work: looking at them would stand in the way of our own.
    static func due(_ definition: SagaDefinition, limit: Int) -> Statement {
        Statement(
            """
            SELECT id FROM sagas WHERE due_at <= clock_timestamp() AND definition = $1::text AND version = $2::int4
            ORDER BY due_at LIMIT $3::int8
            """, [.text(definition.name), .int4(Int32(definition.version)), .int8(Int64(limit))])
    }

    /// Seconds until the nearest due time of this definition's sagas; no row when nothing is due ever.
    static func nextDue(_ definition: SagaDefinition) -> Statement {
        Statement(
            """
            SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM sagas
            WHERE due_at IS NOT NULL AND definition = $1::text AND version = $2::int4 ORDER BY due_at LIMIT 1
            """, [.text(definition.name), .int4(Int32(definition.version))])
    }

    static func insert(_ sagas: [(id: UUID, state: SagaState)], definition: SagaDefinition) -> Statement {
        Statement(
            """
            INSERT INTO sagas (definition, version, id, status, position, attempts, step_started_at, due_at, failure,
                               entries, started_at)
            SELECT $1::text, $2::int4, n.*
            FROM unnest($3::uuid[], $4::text[], $5::int4[], $6::int4[], $7::timestamptz[], $8::timestamptz[],
                        $9::text[], $10::int4[], $11::timestamptz[]) AS n
            """,
            [.text(definition.name), .int4(Int32(definition.version))] + columns(sagas)
                + [.timestamps(sagas.map(\.state.startedAt))])
    }

    static func update(_ sagas: [(id: UUID, state: SagaState)]) -> Statement {
        Statement(
            """
            UPDATE sagas s SET status = n.status, position = n.position, attempts = n.attempts,
                step_started_at = n.step_started_at, due_at = n.due_at, failure = n.failure, entries = n.entries
            FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::int4[], $5::timestamptz[], $6::timestamptz[],
                        $7::text[], $8::int4[])
                 AS n(id, status, position, attempts, step_started_at, due_at, failure, entries)
            WHERE s.id = n.id
            """, columns(sagas))
    }

    private static func columns(_ sagas: [(id: UUID, state: SagaState)]) -> [Parameter] {
        [
            .uuids(sagas.map(\.id)), .texts(sagas.map(\.state.status.rawValue)),
            .int4s(sagas.map { Int32($0.state.position) }), .int4s(sagas.map { Int32($0.state.attempts) }),
            .timestamps(sagas.map(\.state.stepStartedAt)), .optionalTimestamps(sagas.map(\.state.dueAt)),
            .optionalTexts(sagas.map(\.state.failure)), .int4s(sagas.map { Int32($0.state.entries) }),
        ]
    }

    /// `(status, count)`.
    package static let countByStatus = Statement("SELECT status, count(*) FROM sagas GROUP BY status")

    /// How many sagas are more than 30 s late.
    package static let countOverdue = Statement(
        "SELECT count(*) FROM sagas WHERE due_at < clock_timestamp() - interval '30 s'")
}
