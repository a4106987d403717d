import Clocks
import Contracts
import Postgres

/// A shipment as it is shown, with the time only readers want.
struct ShipmentView: Sendable {
    var shipment: Shipment
    var updatedAt: Timestamp
}

/// The statements that read shipments for the outside.
enum ShipmentQueries {
    static func find(_ id: UUID) -> Statement {
        Statement("SELECT \(ShipmentStatements.columns), updated_at FROM shipments WHERE id = $1::uuid", [.uuid(id)])
    }

    /// Oldest first, behind `position` when there is one.
    static func list(orderID: UUID?, after position: (time: Timestamp, id: UUID)?, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(ShipmentStatements.columns), updated_at FROM shipments
            WHERE ($1::uuid IS NULL OR order_id = $1) AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3::uuid))
            ORDER BY created_at, id LIMIT $4::int8
            """,
            [
                orderID.map { .uuid($0) } ?? .null, position.map { .timestamp($0.time) } ?? .null,
                position.map { .uuid($0.id) } ?? .null, .int8(Int64(limit)),
            ])
    }

    static func view(_ row: Row) throws -> ShipmentView {
        ShipmentView(shipment: try ShipmentStatements.shipment(row), updatedAt: try row.timestamp(8))
    }

    /// `(status, count)`.
    static let countByStatus = Statement("SELECT status, count(*) FROM shipments GROUP BY status")
}
