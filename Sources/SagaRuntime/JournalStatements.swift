import Clocks
import Postgres
import Saga

/// The statements about the journal.
package enum JournalStatements {
    /// A change of an entry that is in the table already.
    struct Change: Sendable, Hashable {
        var status: SagaJournalEntry.Status
        var attempts: Int
        /// Nil for as it was.
        var channel: SagaJournalEntry.Channel?
        var finishedAt: Timestamp?
        var detail: String?
    }

    static func insert(_ entries: [(saga: UUID, entry: SagaJournalEntry)]) -> Statement {
        Statement(
            """
            INSERT INTO saga_steps
                (saga_id, entry, step, kind, undoes, status, attempts, channel, started_at, finished_at, detail)
            SELECT * FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int4[],
                                 $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[])
            """,
            [
                .uuids(entries.map(\.saga)), .int4s(entries.map { Int32($0.entry.index) }),
                .texts(entries.map(\.entry.step)), .texts(entries.map(\.entry.kind.rawValue)),
                .optionalTexts(entries.map(\.entry.undoes)), .texts(entries.map(\.entry.status.rawValue)),
                .int4s(entries.map { Int32($0.entry.attempts) }), .texts(entries.map(\.entry.channel.rawValue)),
                .timestamps(entries.map(\.entry.startedAt)), .optionalTimestamps(entries.map(\.entry.finishedAt)),
                .optionalTexts(entries.map(\.entry.detail)),
            ])
    }

    static func update(_ changes: [(saga: UUID, entry: Int, change: Change)]) -> Statement {
        Statement(
            """
            UPDATE saga_steps s SET status = n.status, attempts = n.attempts, finished_at = n.finished_at,
                detail = n.detail, channel = coalesce(n.channel, s.channel)
            FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::int4[], $5::timestamptz[], $6::text[], $7::text[])
                 AS n(saga_id, entry, status, attempts, finished_at, detail, channel)
            WHERE s.saga_id = n.saga_id AND s.entry = n.entry
            """,
            [
                .uuids(changes.map(\.saga)), .int4s(changes.map { Int32($0.entry) }),
                .texts(changes.map(\.change.status.rawValue)), .int4s(changes.map { Int32($0.change.attempts) }),
                .optionalTimestamps(changes.map(\.change.finishedAt)), .optionalTexts(changes.map(\.change.detail)),
                .optionalTexts(changes.map { $0.change.channel?.rawValue }),
            ])
    }

    /// A saga's journal in order of starting; ``entry(_:)`` reads the rows.
    package static func journal(of saga: UUID) -> Statement {
        Statement(
            """
            SELECT entry, step, kind, undoes, status, attempts, channel, started_at, finished_at, detail
            FROM saga_steps WHERE saga_id = $1::uuid ORDER BY entry
            """, [.uuid(saga)])
    }

    package static func entry(_ row: Row) throws -> SagaJournalEntry {
        SagaJournalEntry(
            index: Int(try row.int4(0)), step: try row.text(1), kind: try row.rawValue(2),
            undoes: try row.optionalText(3), status: try row.rawValue(4), attempts: Int(try row.int4(5)),
            channel: try row.rawValue(6), startedAt: try row.timestamp(7), finishedAt: try row.optionalTimestamp(8),
            detail: try row.optionalText(9))
    }
}
