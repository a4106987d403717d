import Clocks
import Contracts
import Postgres

/// The statements about items and their stock.
enum ItemStatements {
    /// Locks, in SKU order, the items of these SKUs and those that the orders' reservations hold.
    static func lock(skus: [String], reservedBy orders: [UUID]) -> Statement {
        Statement(
            """
            SELECT sku, received, available, reserved, shipped FROM items
            WHERE sku = ANY(ARRAY(
                SELECT unnest($1::text[]) UNION
                SELECT line ->> 'sku' FROM reservations, jsonb_array_elements(lines) AS line
                WHERE order_id = ANY($2::uuid[]) AND status = 'reserved'))
            ORDER BY sku FOR UPDATE
            """, [.texts(skus), .uuids(orders)])
    }

    static func levels(_ rows: Rows) throws -> [String: StockLevel] {
        var levels: [String: StockLevel] = Dictionary(minimumCapacity: rows.count)
        for row in rows {
            levels[try row.text(0)] = StockLevel(
                received: try row.int8(1), available: try row.int8(2), reserved: try row.int8(3),
                shipped: try row.int8(4))
        }
        return levels
    }

    /// Writes the levels that a batch has changed.
    static func update(_ ledger: StockLedger) -> [Statement] {
        let skus = ledger.changedItems.sorted()
        guard !skus.isEmpty else { return [] }
        let levels = skus.compactMap { ledger.level($0) }
        return [
            Statement(
                """
                UPDATE items i SET available = n.available, reserved = n.reserved, shipped = n.shipped
                FROM unnest($1::text[], $2::int8[], $3::int8[], $4::int8[]) AS n(sku, available, reserved, shipped)
                WHERE i.sku = n.sku
                """,
                [
                    .texts(skus), .int8s(levels.map(\.available)), .int8s(levels.map(\.reserved)),
                    .int8s(levels.map(\.shipped)),
                ])
        ]
    }
}
