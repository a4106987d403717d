import Clocks
import Contracts
import Postgres

/// The statements about shipments.
enum ShipmentStatements {
    static let columns =
        "id, order_id, status, carrier_reference, ship_to, lines, created_at, due_at"

    /// Locks the orders' shipments, in order of the orders' ids.
    static func lock(orders: [UUID]) -> Statement {
        Statement(
            "SELECT \(columns) FROM shipments WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE",
            [.uuids(orders)])
    }

    /// Locks up to `limit` shipments whose next step is due; those that somebody else is moving are passed over.
    static func lockDue(limit: Int) -> Statement {
        Statement(
            """
            SELECT \(columns) FROM shipments WHERE due_at <= now() ORDER BY due_at LIMIT $1::int8
            FOR UPDATE SKIP LOCKED
            """, [.int8(Int64(limit))])
    }

    /// How long until the next step is due, in seconds; no row when nothing is expected.
    static let nextDue = Statement(
        "SELECT extract(epoch FROM min(due_at) - now())::float8 FROM shipments WHERE due_at IS NOT NULL HAVING count(*) > 0"
    )

    /// Which of these orders were voided before.
    static func voided(among orders: [UUID]) -> Statement {
        Statement("SELECT order_id FROM voided_orders WHERE order_id = ANY($1::uuid[])", [.uuids(orders)])
    }

    static func shipment(_ row: Row) throws -> Shipment {
        Shipment(
            id: try row.uuid(0), orderID: try row.uuid(1), status: try row.rawValue(2),
            carrierReference: try row.text(3), shipTo: try Address(decoding: try row.json(4)),
            lines: try OrderLine.list(decoding: try row.json(5)), bookedAt: try row.timestamp(6),
            dueAt: try row.optionalTimestamp(7))
    }

    static func shipmentsByOrder(_ rows: Rows) throws -> [UUID: Shipment] {
        var shipments: [UUID: Shipment] = Dictionary(minimumCapacity: rows.count)
        for row in rows {
            let shipment = try shipment(row)
            shipments[shipment.orderID] = shipment
        }
        return shipments
    }

    /// Writes what a batch has added and changed.
    static func write(_ ledger: ShipmentLedger, now: Timestamp) -> [Statement] {
        var statements: [Statement] = []
        let created = ledger.created.compactMap { ledger.shipment(of: $0) }
        if !created.isEmpty { statements.append(insert(created)) }
        let changed = ledger.changed.sorted().compactMap { ledger.shipment(of: $0) }
        if !changed.isEmpty { statements.append(update(changed, now: now)) }
        if !ledger.newlyVoided.isEmpty {
            statements.append(
                Statement(
                    "INSERT INTO voided_orders (order_id) SELECT unnest($1::uuid[])",
                    [.uuids(ledger.newlyVoided.sorted())]))
        }
        return statements
    }

    private static func insert(_ shipments: [Shipment]) -> Statement {
        Statement(
            """
            INSERT INTO shipments
                (id, order_id, status, carrier_reference, ship_to, lines, due_at, created_at, updated_at)
            SELECT n.id, n.order_id, n.status, n.reference, n.ship_to::jsonb, n.lines::jsonb, n.due_at, n.at, n.at
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                        $8::timestamptz[]) AS n(id, order_id, status, reference, ship_to, lines, due_at, at)
            """,
            [
                .uuids(shipments.map(\.id)), .uuids(shipments.map(\.orderID)),
                .texts(shipments.map(\.status.rawValue)), .texts(shipments.map(\.carrierReference)),
                .texts(shipments.map { String(decoding: $0.shipTo.encoded, as: UTF8.self) }),
                .texts(shipments.map { String(decoding: OrderLine.encode($0.lines), as: UTF8.self) }),
                .optionalTimestamps(shipments.map(\.dueAt)), .timestamps(shipments.map(\.bookedAt)),
            ])
    }

    /// Writes the changing columns of shipments that were read and locked in the same transaction.
    static func update(_ shipments: [Shipment], now: Timestamp) -> Statement {
        Statement(
            """
            UPDATE shipments s SET status = n.status, due_at = n.due_at, updated_at = $4::timestamptz
            FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS n(id, status, due_at) WHERE s.id = n.id
            """,
            [
                .uuids(shipments.map(\.id)), .texts(shipments.map(\.status.rawValue)),
                .optionalTimestamps(shipments.map(\.dueAt)), .timestamp(now),
            ])
    }
}
