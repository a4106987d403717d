import Clocks
import Contracts
import Postgres

/// The statements about payments.
///
/// Due times are made and compared by the clock of the statement, in the database: replicas whose clocks disagree share
/// the work all the same.
enum PaymentStatements {
    static let columns = """
        id, order_id, status, amount, currency, captured, refunded, token, provider_reference, attempts, reason, \
        charge_command, refund_command, standing, refund_wanted, postponements, claims, \
        coalesce(due_at < claimed_until, false)
        """

    /// Locks the orders' payments, in order of the orders' ids.
    static func lock(orders: [UUID]) -> Statement {
        Statement(
            "SELECT \(columns) FROM payments WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE",
            [.uuids(orders)])
    }

    /// Locks up to `limit` payments that are due and that nobody has claimed; those that somebody is just claiming are
    /// passed over.
    static func lockDue(limit: Int) -> Statement {
        Statement(
            """
            SELECT \(columns) FROM payments
            WHERE due_at <= statement_timestamp() AND (claimed_until IS NULL OR claimed_until <= statement_timestamp())
            ORDER BY due_at LIMIT $1::int8 FOR UPDATE SKIP LOCKED
            """, [.int8(Int64(limit))])
    }

    /// How long until the next payment is due or its claim ends, in seconds; no row when nothing is open. What became due
    /// under a claim is left to whoever has claimed it.
    static let nextDue = Statement(
        """
        SELECT extract(epoch FROM due_at - statement_timestamp())::float8 FROM payments
        WHERE due_at IS NOT NULL AND (claimed_until IS NULL OR claimed_until <= due_at) ORDER BY due_at LIMIT 1
        """)

    /// Makes a payment due at once, if anything is open about it; with `alsoDeclined`, one that was declined too.
    static func nudge(_ id: UUID, alsoDeclined: Bool) -> Statement {
        Statement(
            """
            UPDATE payments SET due_at = statement_timestamp()
            WHERE id = $1::uuid AND (due_at > statement_timestamp() OR ($2 AND due_at IS NULL AND status = 'declined'))
            """, [.uuid(id), .bool(alsoDeclined)])
    }

    /// Which of these orders were voided before.
    static func voided(among orders: [UUID]) -> Statement {
        Statement("SELECT order_id FROM voided_orders WHERE order_id = ANY($1::uuid[])", [.uuids(orders)])
    }

    static func payment(_ row: Row) throws -> Payment {
        var payment = Payment(
            id: try row.uuid(0), orderID: try row.uuid(1), status: try row.rawValue(2),
            amount: Money(amount: try row.int8(3), currency: try row.text(4)), captured: try row.int8(5),
            refunded: try row.int8(6), token: try row.text(7), providerReference: try row.optionalText(8),
            attempts: Int(try row.int4(9)), reason: try row.optionalText(10).flatMap(Reason.init(rawValue:)),
            chargeCommand: try row.optionalUUID(11), refundCommand: try row.optionalUUID(12))
        payment.standing = try row.rawValue(13)
        payment.isRefundWanted = try row.bool(14)
        payment.postponements = Int(try row.int4(15))
        payment.claims = try row.int8(16)
        payment.isNudged = try row.bool(17)
        return payment
    }

    static func paymentsByOrder(_ rows: Rows) throws -> [UUID: Payment] {
        var payments: [UUID: Payment] = Dictionary(minimumCapacity: rows.count)
        for row in rows {
            let payment = try payment(row)
            payments[payment.orderID] = payment
        }
        return payments
    }
}

// MARK: Writing

extension PaymentStatements {
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
                provider_reference, attempts, reason, charge_command, refund_command, standing, refund_wanted,
                postponements, claims, due_at, created_at, updated_at)
            SELECT n.id, n.order_id, n.amount, n.currency, n.token, n.status, n.captured, n.refunded,
                n.provider_reference, n.attempts, n.reason, n.charge_command, n.refund_command, n.standing,
                n.refund_wanted, n.postponements, n.claims,
                CASE WHEN n.due_kind > 1 THEN statement_timestamp() + make_interval(secs => n.due_in) END,
                $20::timestamptz, $20::timestamptz
            FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::int8[],
                        $9::text[], $10::int4[], $11::text[], $12::uuid[], $13::uuid[], $14::text[], $15::bool[],
                        $16::int4[], $17::int8[], $18::int4[], $19::float8[])
                 AS n(id, order_id, amount, currency, token, status, captured, refunded, provider_reference, attempts,
                      reason, charge_command, refund_command, standing, refund_wanted, postponements, claims, due_kind,
                      due_in)
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
                charge_command = n.charge_command, refund_command = n.refund_command, standing = n.standing,
                refund_wanted = n.refund_wanted, postponements = n.postponements, claims = n.claims,
                due_at = CASE n.due_kind WHEN 0 THEN p.due_at WHEN 1 THEN NULL
                    ELSE statement_timestamp() + make_interval(secs => n.due_in) END,
                claimed_until = CASE n.due_kind WHEN 0 THEN p.claimed_until WHEN 3 THEN p.claimed_until
                    WHEN 4 THEN statement_timestamp() + make_interval(secs => n.due_in) END,
                updated_at = CASE WHEN (p.status, p.attempts) IS DISTINCT FROM (n.status, n.attempts)
                    THEN $16::timestamptz ELSE p.updated_at END
            FROM unnest($1::uuid[], $2::text[], $3::int8[], $4::int8[], $5::text[], $6::int4[], $7::text[], $8::uuid[],
                        $9::uuid[], $10::text[], $11::bool[], $12::int4[], $13::int8[], $14::int4[], $15::float8[])
                 AS n(id, status, captured, refunded, provider_reference, attempts, reason, charge_command,
                      refund_command, standing, refund_wanted, postponements, claims, due_kind, due_in)
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
            .texts(payments.map(\.standing.rawValue)), .bools(payments.map(\.isRefundWanted)),
            .int4s(payments.map { Int32(clamping: $0.postponements) }), .int8s(payments.map(\.claims)),
            .int4s(payments.map(\.due.kind)), .doubles(payments.map(\.due.seconds)),
        ]
    }
}

extension Due {
    /// The number that stands for it in the statements.
    fileprivate var kind: Int32 {
        switch self {
        case .unchanged: 0
        case .never: 1
        case .after: 2
        case .nudged: 3
        case .claimed: 4
        }
    }

    fileprivate var seconds: Double {
        switch self {
        case .unchanged, .never, .nudged: 0
        case .after(let wait): wait.inSeconds
        case .claimed(let lease): lease.inSeconds
        }
    }
}
