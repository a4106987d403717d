import Clocks
import Contracts
import Postgres

/// A shipment as it is shown, with the times only readers want.
struct ShipmentView: Sendable {
    var shipment: Shipment
    /// When it was booked.
    var createdAt: Timestamp
    var updatedAt: Timestamp
}

/// The statements that read shipments for the outside. A booking that is not decided, was refused or was called off
/// before it came about is no shipment.
enum ShipmentQueries {
    private static let columns = "\(ShipmentStatements.columns), created_at, updated_at"
    private static let isShown =
        "status IN (\(Shipment.Status.shown.map { "'\($0.rawValue)'" }.joined(separator: ", ")))"

    static func find(_ id: UUID) -> Statement {
        Statement("SELECT \(columns) FROM shipments WHERE id = $1::uuid AND \(isShown)", [.uuid(id)])
    }

    /// Oldest first, behind `position` when there is one.
    static func list(orderID: UUID?, after position: (time: Timestamp, id: UUID)?, limit: Int) -> Statement {
        Statement(
            """
            SELECT \(columns) FROM shipments
            WHERE ($1::uuid IS NULL OR order_id = $1) AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3::uuid))
                AND \(isShown)
            ORDER BY created_at, id LIMIT $4::int8
            """,
            [
                orderID.map { .uuid($0) } ?? .null, position.map { .timestamp($0.time) } ?? .null,
                position.map { .uuid($0.id) } ?? .null, .int8(Int64(limit)),
            ])
    }

    static func view(_ row: Row) throws -> ShipmentView {
        ShipmentView(
            shipment: try ShipmentStatements.shipment(row), createdAt: try row.timestamp(16),
            updatedAt: try row.timestamp(17))
    }

    /// `(status, count)`.
    static let countByStatus = Statement("SELECT status, count(*) FROM shipments WHERE \(isShown) GROUP BY status")
}
