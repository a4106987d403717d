import Clocks
import Contracts
import Postgres

/// A payment as it is shown, with the times only readers want.
struct PaymentView: Sendable {
    var payment: Payment
    var createdAt: Timestamp
    var updatedAt: Timestamp
}

/// The statements that read payments for the outside.
enum PaymentQueries {
    static func find(_ id: UUID) -> Statement {
        Statement(
            "SELECT \(PaymentStatements.columns), created_at, updated_at FROM payments WHERE id = $1::uuid", [.uuid(id)]
        )
    }

    /// Oldest first, behind `position` when there is one.
    static func list(orderID: UUID?, after position: (time: Timestamp, id: UUID)?, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(PaymentStatements.columns), created_at, updated_at FROM payments
            WHERE ($1::uuid IS NULL OR order_id = $1) AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3::uuid))
            ORDER BY created_at, id LIMIT $4::int8
            """,
            [
                orderID.map { .uuid($0) } ?? .null, position.map { .timestamp($0.time) } ?? .null,
                position.map { .uuid($0.id) } ?? .null, .int8(Int64(limit)),
            ])
    }

    static func view(_ row: Row) throws -> PaymentView {
        PaymentView(
            payment: try PaymentStatements.payment(row), createdAt: try row.timestamp(18),
            updatedAt: try row.timestamp(19))
    }

    /// `(status, count)`.
    static let countByStatus = Statement("SELECT status, count(*) FROM payments GROUP BY status")

    /// `(currency, captured, refunded)`.
    static let totals = Statement(
        """
        SELECT currency, sum(captured)::int8, sum(refunded)::int8 FROM payments
        WHERE captured > 0 GROUP BY currency ORDER BY currency
        """)
}
