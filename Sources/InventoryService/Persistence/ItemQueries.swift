import Clocks
import Contracts
import Postgres

/// The statements behind inventory-service's API.
enum ItemQueries {
    private static let columns =
        "sku, name, unit_price_amount, unit_price_currency, received, available, reserved, shipped"

    static func item(_ row: Row) throws -> Item {
        Item(
            sku: try row.text(0), name: try row.text(1),
            unitPrice: Money(amount: try row.int8(2), currency: try row.text(3)),
            stock: StockLevel(
                received: try row.int8(4), available: try row.int8(5), reserved: try row.int8(6),
                shipped: try row.int8(7)))
    }

    static func find(_ sku: String) -> Statement {
        Statement("SELECT \(columns) FROM items WHERE sku = $1::text", [.text(sku)])
    }

    /// In SKU order, only these when `skus` is not empty, behind `position` when there is one.
    static func list(skus: [String], after position: String?, limit: Int) -> Statement {
        var parameters: [Parameter] = [.int8(Int64(limit))]
        var conditions: [String] = []
        func require(_ condition: (Int) -> String, _ parameter: Parameter) {
            parameters.append(parameter)
            conditions.append(condition(parameters.count))
        }
        // One statement with all conditions made optional would read the whole catalogue for a single item.
        if !skus.isEmpty { require({ "sku = ANY($\($0)::text[])" }, .texts(skus)) }
        if let position { require({ "sku > $\($0)::text" }, .text(position)) }
        let wanted = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return Statement("SELECT \(columns) FROM items\(wanted) ORDER BY sku LIMIT $1::int8", parameters)
    }

    /// Adds or changes an item's name and price: the item, and as ninth column whether it is new.
    static func put(sku: String, name: String, unitPrice: Money) -> Statement {
        Statement(
            """
            INSERT INTO items AS i (sku, name, unit_price_amount, unit_price_currency)
            VALUES ($1::text, $2::text, $3::int8, $4::text)
            ON CONFLICT (sku) DO UPDATE SET name = excluded.name, unit_price_amount = excluded.unit_price_amount,
                unit_price_currency = excluded.unit_price_currency, updated_at = now()
            RETURNING \(columns), (xmax = 0) AS is_new
            """,
            [.text(sku), .text(name), .int8(unitPrice.amount), .text(unitPrice.currency)])
    }

    /// Adds stock to an item: one row when the item exists.
    static func receive(sku: String, quantity: Int64) -> Statement {
        Statement(
            """
            UPDATE items SET received = received + $2::int8, available = available + $2::int8
            WHERE sku = $1::text RETURNING sku
            """, [.text(sku), .int8(quantity)])
    }

    static func record(_ receipt: Receipt) -> Statement {
        Statement(
            """
            INSERT INTO receipts (id, sku, quantity, created_at)
            VALUES ($1::uuid, $2::text, $3::int8, $4::timestamptz)
            """,
            [.uuid(receipt.id), .text(receipt.sku), .int8(receipt.quantity), .timestamp(receipt.createdAt)])
    }

    /// `(order_id, status, lines, created_at, updated_at)`.
    static func reservation(of orderID: UUID) -> Statement {
        Statement(
            "SELECT order_id, status, lines, created_at, updated_at FROM reservations WHERE order_id = $1::uuid",
            [.uuid(orderID)])
    }

    /// `(sku, received, available, reserved, shipped)` in SKU order, behind `position` when there is one.
    static func stock(after position: String?, limit: Int) -> Statement {
        Statement(
            """
            SELECT sku, received, available, reserved, shipped FROM items WHERE $1::text IS NULL OR sku > $1
            ORDER BY sku LIMIT $2::int8
            """, [position.map { .text($0) } ?? .null, .int8(Int64(limit))])
    }

    /// `(status, count)`.
    static let reservationsByStatus = Statement("SELECT status, count(*) FROM reservations GROUP BY status")
}
