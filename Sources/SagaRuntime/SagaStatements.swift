import Clocks
import Postgres
import Saga

/// A saga as its row tells.
struct SagaRecord: Sendable {
    var id: UUID
    var definition: String
    var version: Int
    var state: SagaState
    /// By which way the command under way was sent last; nil where nobody asked.
    var lastChannel: SagaJournalEntry.Channel?
}

/// The statements about sagas and their journal.
package enum SagaStatements {
    /// The database's clock: due times of several processes are compared by it alone.
    package static let now = Statement("SELECT clock_timestamp()")

    private static let columns = """
        id, definition, version, status, position, attempts, step_started_at, due_at, started_at, failure, entries
        """

    /// Locks sagas in order of their ids.
    static func lock(_ ids: [UUID]) -> Statement {
        Statement("SELECT \(columns) FROM sagas WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", [.uuids(ids)])
    }

    /// Locks sagas that are to act by themselves, passing over those that somebody else is advancing, and reads by which way
    /// their commands were sent last.
    static func lockDue(_ ids: [UUID]) -> Statement {
        Statement(
            """
            SELECT \(columns), (SELECT channel FROM saga_steps t WHERE t.saga_id = s.id AND t.entry = s.entries - 1)
            FROM sagas s WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED
            """, [.uuids(ids)])
    }

    static func record(_ row: Row) throws -> SagaRecord {
        SagaRecord(
            id: try row.uuid(0), definition: try row.text(1), version: Int(try row.int4(2)),
            state: SagaState(
                status: try row.rawValue(3), position: Int(try row.int4(4)), attempts: Int(try row.int4(5)),
                stepStartedAt: try row.timestamp(6), dueAt: try row.optionalTimestamp(7),
                startedAt: try row.timestamp(8), failure: try row.optionalText(9), entries: Int(try row.int4(10))))
    }

    /// A row of ``lockDue(_:)``.
    static func dueRecord(_ row: Row) throws -> SagaRecord {
        var record = try record(row)
        record.lastChannel = try row.optionalText(11).flatMap(SagaJournalEntry.Channel.init(rawValue:))
        return record
    }

    /// The sagas of these versions that are due, the longest overdue first: `(id)`.
    ///
    /// Those of other versions are others' work: looking at them would stand in the way of our own.
    static func due(_ definition: String, versions: [Int], limit: Int) -> Statement {
        Statement(
            """
            SELECT id FROM sagas
            WHERE due_at <= clock_timestamp() AND definition = $1::text AND version = ANY($2::int4[])
            ORDER BY due_at LIMIT $3::int8
            """, [.text(definition), .int4s(versions.map { Int32($0) }), .int8(Int64(limit))])
    }

    /// Seconds until the nearest due time of these versions' sagas; no row when nothing is due ever.
    static func nextDue(_ definition: String, versions: [Int]) -> Statement {
        Statement(
            """
            SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM sagas
            WHERE due_at IS NOT NULL AND definition = $1::text AND version = ANY($2::int4[]) ORDER BY due_at LIMIT 1
            """, [.text(definition), .int4s(versions.map { Int32($0) })])
    }

    /// How many sagas under way are of versions that are not known here: `(version, count)`.
    package static func unknownVersions(_ definition: String, known: [Int]) -> Statement {
        Statement(
            """
            SELECT version, count(*) FROM sagas
            WHERE due_at IS NOT NULL AND definition = $1::text AND NOT (version = ANY($2::int4[])) GROUP BY version
            """, [.text(definition), .int4s(known.map { Int32($0) })])
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
