import Clocks
import Contracts
import Postgres

/// The statements about payments.
enum PaymentStatements {
    static let columns = """
        id, order_id, status, amount, currency, captured, refunded, token, provider_reference, attempts, reason, \
        charge_command, refund_command, due_at
        """

    /// Locks the orders' payments, in order of the orders' ids.
    static func lock(orders: [UUID]) -> Statement {
        Statement(
            "SELECT \(columns) FROM payments WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE",
            [.uuids(orders)])
    }

    /// Claims up to `limit` open charges that are due, and puts them off by `lease`, so that nobody else calls the
    /// provider for them meanwhile.
    static func claimDue(limit: Int, lease: Duration) -> Statement {
        Statement(
            """
            WITH due AS (
                SELECT id FROM payments WHERE due_at <= now() AND status IN ('pending', 'in-doubt')
                ORDER BY due_at LIMIT $1::int8 FOR UPDATE SKIP LOCKED)
            UPDATE payments p SET due_at = now() + make_interval(secs => $2::float8) FROM due WHERE p.id = due.id
            RETURNING \(columns.split(separator: ", ").map { "p." + $0 }.joined(separator: ", "))
            """, [.int8(Int64(limit)), .double(lease.inSeconds)])
    }

    /// How long until the next open charge is due, in seconds; no row when nothing is open.
    static let nextDue = Statement(
        "SELECT extract(epoch FROM min(due_at) - now())::float8 FROM payments WHERE due_at IS NOT NULL HAVING count(*) > 0"
    )

    /// Which of these orders were voided before.
    static func voided(among orders: [UUID]) -> Statement {
        Statement("SELECT order_id FROM voided_orders WHERE order_id = ANY($1::uuid[])", [.uuids(orders)])
    }

    static func payment(_ row: Row) throws -> Payment {
        Payment(
            id: try row.uuid(0), orderID: try row.uuid(1), status: try row.rawValue(2),
            amount: Money(amount: try row.int8(3), currency: try row.text(4)), captured: try row.int8(5),
            refunded: try row.int8(6), token: try row.text(7), providerReference: try row.optionalText(8),
            attempts: Int(try row.int4(9)), reason: try row.optionalText(10).flatMap(Reason.init(rawValue:)),
            chargeCommand: try row.optionalUUID(11), refundCommand: try row.optionalUUID(12),
            dueAt: try row.optionalTimestamp(13))
    }

    static func paymentsByOrder(_ rows: Rows) throws -> [UUID: Payment] {
        var payments: [UUID: Payment] = Dictionary(minimumCapacity: rows.count)
        for row in rows {
            let payment = try payment(row)
            payments[payment.orderID] = payment
        }
        return payments
    }

    /// Writes what a batch has added and changed.
    static func write(_ ledger: PaymentLedger, now: Timestamp) -> [Statement] {
        var statements: [Statement] = []
        let created = ledger.created.compactMap { ledger.payment(of: $0) }
        if !created.isEmpty { statements.append(insert(created, now: now)) }
        let changed = ledger.changed.sorted().compactMap { ledger.payment(of: $0) }
        if !changed.isEmpty { statements.append(update(changed, now: now)) }
        if !ledger.newlyVoided.isEmpty {
            statements.append(
                Statement(
                    "INSERT INTO voided_orders (order_id) SELECT unnest($1::uuid[])",
                    [.uuids(ledger.newlyVoided.sorted())]))
        }
        return statements
    }

    private static func insert(_ payments: [Payment], now: Timestamp) -> Statement {
        Statement(
            """
            INSERT INTO payments (id, order_id, amount, currency, token, status, captured, refunded,
                provider_reference, attempts, reason, charge_command, refund_command, due_at, created_at, updated_at)
            SELECT n.*, $15::timestamptz, $15::timestamptz
            FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::int8[],
                        $9::text[], $10::int4[], $11::text[], $12::uuid[], $13::uuid[], $14::timestamptz[]) AS n
            """,
            [
                .uuids(payments.map(\.id)), .uuids(payments.map(\.orderID)), .int8s(payments.map(\.amount.amount)),
                .texts(payments.map(\.amount.currency)), .texts(payments.map(\.token)),
            ] + changing(payments) + [.timestamp(now)])
    }

    /// Writes the changing columns of payments that were read and locked in the same transaction.
    static func update(_ payments: [Payment], now: Timestamp) -> Statement {
        Statement(
            """
            UPDATE payments p SET status = n.status, captured = n.captured, refunded = n.refunded,
                provider_reference = n.provider_reference, attempts = n.attempts, reason = n.reason,
                charge_command = n.charge_command, refund_command = n.refund_command, due_at = n.due_at,
                updated_at = $11::timestamptz
            FROM unnest($1::uuid[], $2::text[], $3::int8[], $4::int8[], $5::text[], $6::int4[], $7::text[], $8::uuid[],
                        $9::uuid[], $10::timestamptz[])
                 AS n(id, status, captured, refunded, provider_reference, attempts, reason, charge_command,
                      refund_command, due_at)
            WHERE p.id = n.id
            """,
            [.uuids(payments.map(\.id))] + changing(payments) + [.timestamp(now)])
    }

    private static func changing(_ payments: [Payment]) -> [Parameter] {
        [
            .texts(payments.map(\.status.rawValue)), .int8s(payments.map(\.captured)),
            .int8s(payments.map(\.refunded)), .optionalTexts(payments.map(\.providerReference)),
            .int4s(payments.map { Int32($0.attempts) }), .optionalTexts(payments.map { $0.reason?.rawValue }),
            .optionalUUIDs(payments.map(\.chargeCommand)), .optionalUUIDs(payments.map(\.refundCommand)),
            .optionalTimestamps(payments.map(\.dueAt)),
        ]
    }
}
