import Clocks
import HTTPCodec
import Postgres

/// An answer to be kept under a key, in the transaction that has the effect it tells of.
package struct IdempotencyRecord: Sendable, Hashable {
    package var key: IdempotencyKey
    package var fingerprint: RequestFingerprint
    package var answer: RecordedAnswer

    package init(key: IdempotencyKey, fingerprint: RequestFingerprint, answer: RecordedAnswer) {
        self.key = key
        self.fingerprint = fingerprint
        self.answer = answer
    }
}

/// The table of idempotency keys: statements for any number of keys at once, to be part of the caller's transaction.
///
/// A key belongs to the transaction that inserts its record. A concurrent transaction with the same key waits in its own
/// insert until the first one ends: after its commit the insert leaves the key out of what it returns and the record
/// can be looked up; after its rollback the key is free. ``boundWaiting`` limits that wait.
package struct IdempotencyStore: Sendable {
    /// How long a key is kept.
    package static let lifetime = Duration.seconds(48 * 3600)

    /// How long a duplicate waits for the first request's commit.
    package static let longestWait = Duration.seconds(2)

    /// Puts the limit on waiting for locks, and so for keys, for the rest of the transaction; past it the statement
    /// fails with ``PostgresError/isLockTimeout``.
    package static let boundWaiting = Statement("SET LOCAL lock_timeout = '2s'")

    /// The table.
    package static let migration = Migration(
        version: 5, name: "create_idempotency_keys",
        sql: String(decoding: PackageResources.V0005_create_idempotency_keys_sql, as: UTF8.self))

    package init() {}

    /// Inserts the records whose keys are new and returns these keys, to be read with ``keys(_:)``.
    ///
    /// Keys are taken in their order, so that batches that share several do not wait for each other in a circle.
    package func insert(_ records: [IdempotencyRecord], at time: Timestamp) -> Statement {
        Statement(Self.insertSQL(firstParameter: 1), insertParameters(records, at: time))
    }

    /// The text of the insert with parameters from `$firstParameter` on, for use as a `WITH` part of a larger statement.
    package static func insertSQL(firstParameter first: Int) -> String {
        func parameter(_ offset: Int) -> String { "$\(first + offset)" }
        return """
            INSERT INTO idempotency_keys (scope, key, fingerprint, status, content_type, location, body, created_at)
            SELECT scope, key, fingerprint, status, content_type, location, body, \(parameter(7))
            FROM unnest(\(parameter(0))::text[], \(parameter(1))::text[], \(parameter(2))::bytea[], \
            \(parameter(3))::int4[], \(parameter(4))::text[], \(parameter(5))::text[], \(parameter(6))::bytea[])
                AS record (scope, key, fingerprint, status, content_type, location, body)
            ORDER BY scope, key
            ON CONFLICT (scope, key) DO NOTHING
            RETURNING scope, key
            """
    }

    /// How many parameters ``insertSQL(firstParameter:)`` has.
    package static let insertParameterCount = 8

    /// The parameters of ``insertSQL(firstParameter:)``.
    package func insertParameters(_ records: [IdempotencyRecord], at time: Timestamp) -> [Parameter] {
        [
            .texts(records.map(\.key.scope)), .texts(records.map(\.key.text)),
            .bytesArray(records.map(\.fingerprint.bytes)),
            .int4s(records.map { Int32($0.answer.status) }), .texts(records.map(\.answer.contentType)),
            .optionalTexts(records.map(\.answer.location)), .bytesArray(records.map(\.answer.body)), .timestamp(time),
        ]
    }

    /// Looks the keys up; read the rows with ``records(_:)``.
    package func lookUp(_ keys: [IdempotencyKey]) -> Statement {
        Statement(
            """
            SELECT scope, key, fingerprint, status, content_type, location, body
            FROM unnest($1::text[], $2::text[]) AS wanted (scope, key) JOIN idempotency_keys USING (scope, key)
            """, [.texts(keys.map(\.scope)), .texts(keys.map(\.text))])
    }

    /// The records found by ``lookUp(_:)``, by key.
    package static func records(_ rows: Rows) throws(PostgresError) -> [IdempotencyKey: IdempotencyRecord.Stored] {
        var records: [IdempotencyKey: IdempotencyRecord.Stored] = [:]
        for row in rows {
            let answer = RecordedAnswer(
                status: Int(try row.int4(3)), contentType: try row.text(4), location: try row.optionalText(5),
                body: try row.bytes(6))
            records[try key(row)] = IdempotencyRecord.Stored(
                fingerprint: RequestFingerprint(bytes: try row.bytes(2)), answer: answer)
        }
        return records
    }

    /// The keys that ``insert(_:at:)`` returned.
    package static func keys(_ rows: Rows) throws(PostgresError) -> Set<IdempotencyKey> {
        var keys: Set<IdempotencyKey> = []
        for row in rows { keys.insert(try key(row)) }
        return keys
    }

    private static func key(_ row: Row) throws(PostgresError) -> IdempotencyKey {
        IdempotencyKey(stored: try row.text(1), scope: try row.text(0))
    }

    /// Removes at most `limit` keys that were recorded before `time`; the affected rows say how many.
    package static func expire(before time: Timestamp, limit: Int = 1000) -> Statement {
        Statement(
            """
            DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM idempotency_keys WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
            """, [.timestamp(time), .int8(Int64(limit))])
    }
}

extension IdempotencyStore {
    /// Does work once under a key and answers: the record's answer the first time, what was recorded then every time
    /// after.
    ///
    /// `work` runs in the record's transaction, on the connection's thread; what it throws undoes both and is passed on.
    /// It may commit with its last statements.
    /// - Throws: 422 `idempotency-key-reused`, 409 `idempotency-key-in-flight`, `PostgresError`, and what `work` throws.
    package func once(
        _ record: IdempotencyRecord, on client: PostgresClient, at time: Timestamp, deadline: MonotonicInstant,
        _ work: @escaping @Sendable (Transaction) throws -> Void
    ) async throws -> HTTPResponse {
        try await client.transaction(deadline: deadline) { transaction in
            guard try isNew(record, at: time, in: transaction) else {
                let rows = try transaction.execute(lookUp([record.key]))
                // Neither new nor there: it expired, or its transaction was undone, between the two statements.
                guard let stored = try Self.records(rows)[record.key] else {
                    throw ProblemDetails.idempotencyKeyInFlight
                }
                return try stored.answer(to: record.fingerprint).replay
            }
            try work(transaction)
            return record.answer.first
        }
    }

    private func isNew(
        _ record: IdempotencyRecord, at time: Timestamp, in transaction: Transaction
    ) throws -> Bool {
        do {
            let rows = try transaction.pipeline([Self.boundWaiting, insert([record], at: time)])
            return !rows[1].isEmpty
        } catch {
            guard error.isLockTimeout else { throw error }
            throw ProblemDetails.idempotencyKeyInFlight
        }
    }
}

extension IdempotencyRecord {
    /// What is kept under a key.
    package struct Stored: Sendable, Hashable {
        package var fingerprint: RequestFingerprint
        package var answer: RecordedAnswer

        /// The recorded answer for a request that brings the key again.
        ///
        /// - Throws: 422 `idempotency-key-reused` for a request that is another one.
        package func answer(to request: RequestFingerprint) throws(ProblemDetails) -> RecordedAnswer {
            guard fingerprint == request else { throw .idempotencyKeyReused }
            return answer
        }
    }
}
