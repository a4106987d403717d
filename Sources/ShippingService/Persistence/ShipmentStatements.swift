import Clocks
import Contracts
import Postgres

/// The statements about shipments.
///
/// Times are made and compared by the clock of the statement, in the database: replicas whose clocks disagree share the
/// work all the same.
enum ShipmentStatements {
    static let columns = """
        id, order_id, status, carrier_reference, ship_to, lines, standing, confirmed, handed_over, cancel_wanted, \
        book_command, cancel_command, postponements, claims, \
        extract(epoch FROM statement_timestamp() - created_at)::float8, coalesce(due_at < claimed_until, false)
        """

    /// Locks the orders' shipments, in order of the orders' ids.
    static func lock(orders: [UUID]) -> Statement {
        Statement(
            "SELECT \(columns) FROM shipments WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE",
            [.uuids(orders)])
    }

    /// Locks one shipment.
    static func lock(_ id: UUID) -> Statement {
        Statement("SELECT \(columns) FROM shipments WHERE id = $1::uuid FOR UPDATE", [.uuid(id)])
    }

    /// Locks up to `limit` shipments that are due and that nobody has claimed; those that somebody is just claiming are
    /// passed over.
    static func lockDue(limit: Int) -> Statement {
        Statement(
            """
            SELECT \(columns) FROM shipments
            WHERE due_at <= statement_timestamp() AND (claimed_until IS NULL OR claimed_until <= statement_timestamp())
            ORDER BY due_at LIMIT $1::int8 FOR UPDATE SKIP LOCKED
            """, [.int8(Int64(limit))])
    }

    /// How long until the next shipment is due or its claim ends, in seconds; no row when nothing is expected. What became
    /// due under a claim is left to whoever has claimed it.
    static let nextDue = Statement(
        """
        SELECT extract(epoch FROM due_at - statement_timestamp())::float8 FROM shipments
        WHERE due_at IS NOT NULL AND (claimed_until IS NULL OR claimed_until <= due_at) ORDER BY due_at LIMIT 1
        """)

    /// Which of these orders were voided before.
    static func voided(among orders: [UUID]) -> Statement {
        Statement("SELECT order_id FROM voided_orders WHERE order_id = ANY($1::uuid[])", [.uuids(orders)])
    }

    static func shipment(_ row: Row) throws -> Shipment {
        var shipment = Shipment(
            id: try row.uuid(0), orderID: try row.uuid(1), status: try row.rawValue(2),
            carrierReference: try row.optionalText(3), shipTo: try Address(decoding: try row.json(4)),
            lines: try OrderLine.list(decoding: try row.json(5)), bookCommand: try row.optionalUUID(10),
            cancelCommand: try row.optionalUUID(11))
        shipment.standing = try row.rawValue(6)
        shipment.isConfirmed = try row.bool(7)
        shipment.isHandedOver = try row.bool(8)
        shipment.isCancelWanted = try row.bool(9)
        shipment.postponements = Int(try row.int4(12))
        shipment.claims = try row.int8(13)
        shipment.age = .seconds(try row.double(14))
        shipment.isNudged = try row.bool(15)
        return shipment
    }

    static func shipmentsByOrder(_ rows: Rows) throws -> [UUID: Shipment] {
        var shipments: [UUID: Shipment] = Dictionary(minimumCapacity: rows.count)
        for row in rows {
            let shipment = try shipment(row)
            shipments[shipment.orderID] = shipment
        }
        return shipments
    }
}

// MARK: Writing

extension ShipmentStatements {
    /// Writes what a batch has added and changed.
    static func write(_ ledger: ShipmentLedger) -> [Statement] {
        var statements: [Statement] = []
        let created = ledger.created.compactMap { ledger.shipment(of: $0) }
        if !created.isEmpty { statements.append(insert(created)) }
        let changed = ledger.changed.sorted().compactMap { ledger.shipment(of: $0) }
        if !changed.isEmpty { statements.append(update(changed)) }
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
                (id, order_id, ship_to, lines, status, carrier_reference, standing, confirmed, handed_over,
                 cancel_wanted, book_command, cancel_command, postponements, claims, due_at, created_at, updated_at)
            SELECT n.id, n.order_id, n.ship_to::jsonb, n.lines::jsonb, n.status, n.reference, n.standing, n.confirmed,
                n.handed_over, n.cancel_wanted, n.book_command, n.cancel_command, n.postponements, n.claims,
                CASE WHEN n.due_kind > 1 THEN statement_timestamp() + make_interval(secs => n.due_in) END,
                statement_timestamp(), statement_timestamp()
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[],
                        $9::bool[], $10::bool[], $11::uuid[], $12::uuid[], $13::int4[], $14::int8[], $15::int4[],
                        $16::float8[])
                 AS n(id, order_id, ship_to, lines, status, reference, standing, confirmed, handed_over, cancel_wanted,
                      book_command, cancel_command, postponements, claims, due_kind, due_in)
            """,
            [
                .uuids(shipments.map(\.id)), .uuids(shipments.map(\.orderID)),
                .texts(shipments.map { String(decoding: $0.shipTo.encoded, as: UTF8.self) }),
                .texts(shipments.map { String(decoding: OrderLine.encode($0.lines), as: UTF8.self) }),
            ] + changing(shipments))
    }

    /// Writes the changing columns of shipments that were read and locked in the same transaction.
    static func update(_ shipments: [Shipment]) -> Statement {
        Statement(
            """
            UPDATE shipments s SET status = n.status, carrier_reference = n.reference, standing = n.standing,
                confirmed = n.confirmed, handed_over = n.handed_over, cancel_wanted = n.cancel_wanted,
                book_command = n.book_command, cancel_command = n.cancel_command, postponements = n.postponements,
                claims = n.claims,
                due_at = CASE n.due_kind WHEN 0 THEN s.due_at WHEN 1 THEN NULL
                    ELSE statement_timestamp() + make_interval(secs => n.due_in) END,
                claimed_until = CASE n.due_kind WHEN 0 THEN s.claimed_until WHEN 3 THEN s.claimed_until
                    WHEN 4 THEN statement_timestamp() + make_interval(secs => n.due_in) END,
                created_at = CASE WHEN n.newly_booked THEN statement_timestamp() ELSE s.created_at END,
                updated_at = CASE WHEN (s.status, s.carrier_reference) IS DISTINCT FROM (n.status, n.reference)
                    THEN statement_timestamp() ELSE s.updated_at END
            FROM unnest($1::uuid[], $2::bool[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::bool[], $8::bool[],
                        $9::uuid[], $10::uuid[], $11::int4[], $12::int8[], $13::int4[], $14::float8[])
                 AS n(id, newly_booked, status, reference, standing, confirmed, handed_over, cancel_wanted,
                      book_command, cancel_command, postponements, claims, due_kind, due_in)
            WHERE s.id = n.id
            """,
            [.uuids(shipments.map(\.id)), .bools(shipments.map(\.isNewlyBooked))] + changing(shipments))
    }

    private static func changing(_ shipments: [Shipment]) -> [Parameter] {
        [
            .texts(shipments.map(\.status.rawValue)), .optionalTexts(shipments.map(\.carrierReference)),
            .texts(shipments.map(\.standing.rawValue)), .bools(shipments.map(\.isConfirmed)),
            .bools(shipments.map(\.isHandedOver)), .bools(shipments.map(\.isCancelWanted)),
            .optionalUUIDs(shipments.map(\.bookCommand)), .optionalUUIDs(shipments.map(\.cancelCommand)),
            .int4s(shipments.map { Int32(clamping: $0.postponements) }), .int8s(shipments.map(\.claims)),
            .int4s(shipments.map(\.due.kind)), .doubles(shipments.map(\.due.seconds)),
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
