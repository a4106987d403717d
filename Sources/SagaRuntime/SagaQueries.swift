import Clocks
import Postgres
import Saga

/// A saga as an operator sees it: where it stands and what it waits for.
package struct SagaSummary: Sendable {
    package var id: UUID
    package var definition: String
    package var version: Int
    package var state: SagaState
    /// The step or compensation under way, or the last one.
    package var step: String?
}

/// What operators ask about sagas.
package enum SagaQueries {
    private static let columns = """
        s.id, s.definition, s.version, s.status, s.position, s.attempts, s.step_started_at, s.due_at, s.started_at,
        s.failure, s.entries, t.step
        """
    private static let source = "sagas s LEFT JOIN saga_steps t ON t.saga_id = s.id AND t.entry = s.entries - 1"

    /// Sagas that are not at their end, or those of a status, the oldest first, behind `position` when there is one.
    ///
    /// - Parameters:
    ///   - step: the step or compensation under way.
    ///   - minimumAge: since they began, by the database's clock.
    package static func list(
        status: SagaState.Status?, step: String?, minimumAge: Duration?,
        after position: (startedAt: Timestamp, id: UUID)?, limit: Int
    ) -> Statement {
        var parameters: [Parameter] = []
        func bind(_ parameter: Parameter) -> String {
            parameters.append(parameter)
            return "$\(parameters.count)"
        }
        var conditions = [
            status.map { "s.status = \(bind(.text($0.rawValue)))" } ?? "s.status NOT IN ('completed', 'compensated')"
        ]
        if let step { conditions.append("t.step = \(bind(.text(step)))") }
        if let minimumAge {
            let seconds = bind(.double(minimumAge.inSeconds))
            conditions.append("s.started_at <= clock_timestamp() - make_interval(secs => \(seconds)::float8)")
        }
        if let position {
            let time = bind(.timestamp(position.startedAt))
            conditions.append("(s.started_at, s.id) > (\(time)::timestamptz, \(bind(.uuid(position.id)))::uuid)")
        }
        return Statement(
            """
            SELECT \(columns) FROM \(source) WHERE \(conditions.joined(separator: " AND "))
            ORDER BY s.started_at, s.id LIMIT \(bind(.int8(Int64(limit))))::int8
            """, parameters)
    }

    package static func find(_ saga: UUID) -> Statement {
        Statement("SELECT \(columns) FROM \(source) WHERE s.id = $1::uuid", [.uuid(saga)])
    }

    package static func summary(_ row: Row) throws -> SagaSummary {
        let record = try SagaStatements.record(row)
        return SagaSummary(
            id: record.id, definition: record.definition, version: record.version, state: record.state,
            step: try row.optionalText(11))
    }

    /// Sagas that were quarantined in this compensation: `(id)`.
    static func quarantined(in compensation: String, limit: Int) -> Statement {
        Statement(
            """
            SELECT s.id FROM \(source) WHERE s.status = 'quarantined' AND t.step = $1::text
            ORDER BY s.started_at, s.id LIMIT $2::int8
            """, [.text(compensation), .int8(Int64(limit))])
    }
}
