import Clocks
import Contracts
import Postgres

/// The statements about reservations.
enum ReservationStatements {
    /// Locks the orders' reservations, in order of their ids.
    static func lock(orders: [UUID]) -> Statement {
        Statement(
            "SELECT order_id, status, lines FROM reservations WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE",
            [.uuids(orders)])
    }

    static func reservations(_ rows: Rows) throws -> [UUID: Reservation] {
        var reservations: [UUID: Reservation] = Dictionary(minimumCapacity: rows.count)
        for row in rows {
            let orderID = try row.uuid(0)
            reservations[orderID] = Reservation(
                orderID: orderID, status: try row.rawValue(1), lines: try OrderLine.list(decoding: try row.json(2)))
        }
        return reservations
    }

    /// Which of these orders were voided before.
    static func voided(among orders: [UUID]) -> Statement {
        Statement("SELECT order_id FROM voided_orders WHERE order_id = ANY($1::uuid[])", [.uuids(orders)])
    }

    /// Writes what a batch has added and changed.
    static func write(_ ledger: StockLedger, now: Timestamp) -> [Statement] {
        var statements: [Statement] = []
        let created = ledger.newReservations.sorted().compactMap { ledger.reservation($0) }
        if !created.isEmpty {
            statements.append(
                Statement(
                    """
                    INSERT INTO reservations (order_id, status, lines, created_at, updated_at)
                    SELECT r.order_id, r.status, r.lines::jsonb, $4::timestamptz, $4::timestamptz
                    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS r(order_id, status, lines)
                    """,
                    [
                        .uuids(created.map(\.orderID)), .texts(created.map(\.status.rawValue)),
                        .texts(created.map { String(decoding: OrderLine.encode($0.lines), as: UTF8.self) }),
                        .timestamp(now),
                    ]))
        }
        let changed = ledger.changedReservations.sorted().compactMap { ledger.reservation($0) }
        if !changed.isEmpty {
            statements.append(
                Statement(
                    """
                    UPDATE reservations r SET status = n.status, updated_at = $3::timestamptz
                    FROM unnest($1::uuid[], $2::text[]) AS n(order_id, status) WHERE r.order_id = n.order_id
                    """,
                    [.uuids(changed.map(\.orderID)), .texts(changed.map(\.status.rawValue)), .timestamp(now)]))
        }
        if !ledger.newlyVoided.isEmpty {
            statements.append(
                Statement(
                    "INSERT INTO voided_orders (order_id) SELECT unnest($1::uuid[])",
                    [.uuids(ledger.newlyVoided.sorted())]))
        }
        return statements
    }
}
