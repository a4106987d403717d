import Clocks
import Contracts
import Defects
import Postgres

/// The statements about orders.
enum OrderStatements {
    static let columns =
        "o.id, o.customer_id, o.status, o.reason, o.currency, o.total, o.lines, o.ship_to, o.created_at, o.updated_at"

    static func order(_ row: Row) throws -> Order {
        Order(
            id: try row.uuid(0), customerID: try row.text(1), status: try row.rawValue(2),
            reason: try row.optionalText(3).flatMap(Reason.init(rawValue:)), currency: try row.text(4),
            total: try row.int8(5), lines: try Order.Line.list(decoding: try row.json(6)),
            shipTo: try Address(decoding: try row.json(7)), createdAt: try row.timestamp(8),
            updatedAt: try row.timestamp(9))
    }

    /// Writes new orders with what their payment will need.
    static func insert(_ orders: [(order: Order, paymentToken: String)]) -> Statement {
        let rows = orders.map(\.order)
        return Statement(
            """
            INSERT INTO orders (id, customer_id, status, currency, total, lines, ship_to, payment_token, created_at, updated_at)
            SELECT n.id, n.customer_id, 'pending', n.currency, n.total, n.lines::jsonb, n.ship_to::jsonb, n.payment_token,
                   n.at, n.at
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::text[], $7::text[],
                        $8::timestamptz[])
                 AS n(id, customer_id, currency, total, lines, ship_to, payment_token, at)
            """,
            [
                .uuids(rows.map(\.id)), .texts(rows.map(\.customerID)), .texts(rows.map(\.currency)),
                .int8s(rows.map(\.total)),
                .texts(rows.map { String(decoding: Order.Line.encode($0.lines), as: UTF8.self) }),
                .texts(rows.map { String(decoding: $0.shipTo.encoded, as: UTF8.self) }),
                .texts(orders.map(\.paymentToken)), .timestamps(rows.map(\.createdAt)),
            ])
    }

    static func find(_ id: UUID) -> Statement {
        Statement("SELECT \(columns) FROM orders o WHERE o.id = $1::uuid", [.uuid(id)])
    }

    /// Which of these orders have their outcome: `(id)`.
    static func decided(among ids: [UUID]) -> Statement {
        Statement("SELECT id FROM orders WHERE id = ANY($1::uuid[]) AND status <> 'pending'", [.uuids(ids)])
    }

    /// What the saga's commands are made of: `(id, currency, total, lines, ship_to, payment_token)`.
    static func details(of ids: [UUID]) -> Statement {
        Statement(
            "SELECT id, currency, total, lines, ship_to, payment_token FROM orders WHERE id = ANY($1::uuid[])",
            [.uuids(ids)])
    }

    /// Newest first, behind `position` when there is one; from the view, which follows the orders.
    static func list(
        customerID: String?, status: Order.Status?, after position: (createdAt: Timestamp, id: UUID)?, limit: Int
    ) -> Statement {
        var conditions: [String] = []
        var parameters: [Parameter] = []
        func bind(_ parameter: Parameter) -> String {
            parameters.append(parameter)
            return "$\(parameters.count)"
        }
        if let customerID { conditions.append("o.customer_id = \(bind(.text(customerID)))") }
        if let status { conditions.append("o.status = \(bind(.text(status.rawValue)))") }
        if let position {
            let time = bind(.timestamp(position.createdAt))
            conditions.append("(o.created_at, o.id) < (\(time)::timestamptz, \(bind(.uuid(position.id)))::uuid)")
        }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        return Statement(
            """
            SELECT \(columns) FROM order_view o \(filter)
            ORDER BY o.created_at DESC, o.id DESC LIMIT \(bind(.int8(Int64(limit))))::int8
            """, parameters)
    }

    /// Gives pending orders their outcome.
    static func decide(_ outcomes: [(id: UUID, status: Order.Status, reason: Reason?)], now: Timestamp) -> Statement {
        let onlyPending = Defect.endNotFinal.isOn ? "" : "AND o.status = 'pending'"
        return Statement(
            """
            UPDATE orders o SET status = n.status, reason = n.reason, updated_at = $4::timestamptz
            FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(id, status, reason)
            WHERE o.id = n.id \(onlyPending)
            """,
            [
                .uuids(outcomes.map(\.id)), .texts(outcomes.map(\.status.rawValue)),
                .optionalTexts(outcomes.map { $0.reason?.rawValue }), .timestamp(now),
            ])
    }

    /// Locks confirmed and shipped orders among these, to follow their shipments: `(id, status)`.
    static func lockConfirmed(_ ids: [UUID]) -> Statement {
        Statement(
            """
            SELECT id, status FROM orders WHERE id = ANY($1::uuid[]) AND status IN ('confirmed', 'shipped')
            ORDER BY id FOR UPDATE
            """, [.uuids(ids)])
    }

    /// Moves orders that were locked before on to a later stage.
    static func advance(_ stages: [(id: UUID, status: Order.Status)], now: Timestamp) -> Statement {
        Statement(
            """
            UPDATE orders o SET status = n.status, updated_at = $3::timestamptz
            FROM unnest($1::uuid[], $2::text[]) AS n(id, status) WHERE o.id = n.id
            """,
            [.uuids(stages.map(\.id)), .texts(stages.map(\.status.rawValue)), .timestamp(now)])
    }

    /// `(status, count)`.
    static let countByStatus = Statement("SELECT status, count(*) FROM orders GROUP BY status")

    /// `(currency, sum)` over the outcome confirmed.
    static let confirmedTotals = Statement(
        """
        SELECT currency, sum(total)::int8 FROM orders WHERE status IN ('confirmed', 'shipped', 'delivered')
        GROUP BY currency ORDER BY currency
        """)
}
