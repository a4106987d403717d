import Clocks
import Contracts
import Postgres

/// The statements of what follows orders: facts, the feed of status changes, and the view that lists are served from.
enum OrderViewStatements {
    /// Says what became of orders; to be written in the transaction that makes it so.
    static func record(_ changes: [StatusChange]) -> Statement {
        Statement(
            """
            INSERT INTO order_facts (order_id, status, reason, at)
            SELECT f.order_id, f.status, f.reason, f.at
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
                 WITH ORDINALITY AS f(order_id, status, reason, at, place)
            ORDER BY f.place
            """,
            [
                .uuids(changes.map(\.orderID)), .texts(changes.map(\.status.rawValue)),
                .optionalTexts(changes.map { $0.reason?.rawValue }), .timestamps(changes.map(\.at)),
            ])
    }

    // MARK: Projecting

    /// Makes this transaction the one that numbers: `(last_number)`; no row while another one does, or when there is nothing
    /// to number.
    static let becomeProjector = Statement(
        "SELECT last_number FROM order_projection WHERE EXISTS (SELECT FROM order_facts) FOR UPDATE SKIP LOCKED")

    /// The same, waiting for the other one, whether there is something to number or not.
    static let awaitProjector = Statement("SELECT last_number FROM order_projection FOR UPDATE")

    /// `(sequence, order_id, status, reason, at)`. Facts of one order were written one after the other under the order's
    /// lock, so whoever sees a fact sees those before it.
    static func facts(limit: Int) -> Statement {
        Statement(
            "SELECT sequence, order_id, status, reason, at FROM order_facts ORDER BY sequence LIMIT $1::int8",
            [.int8(Int64(limit))])
    }

    static func forget(facts sequences: [Int64]) -> Statement {
        Statement("DELETE FROM order_facts WHERE sequence = ANY($1::int8[])", [.int8s(sequences)])
    }

    /// Shows facts in the feed, from this number on.
    static func feed(_ changes: [StatusChange], from number: Int64) -> Statement {
        Statement(
            """
            INSERT INTO order_feed (number, order_id, customer_id, status, reason, at)
            SELECT f.number, f.order_id, o.customer_id, f.status, f.reason, f.at
            FROM unnest($1::int8[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
                 AS f(number, order_id, status, reason, at)
            JOIN orders o ON o.id = f.order_id
            """,
            [
                .int8s(changes.indices.map { number + Int64($0) }), .uuids(changes.map(\.orderID)),
                .texts(changes.map(\.status.rawValue)), .optionalTexts(changes.map { $0.reason?.rawValue }),
                .timestamps(changes.map(\.at)),
            ])
    }

    static func numbered(to number: Int64) -> Statement {
        Statement("UPDATE order_projection SET last_number = $1::int8", [.int8(number)])
    }

    /// Brings the view of these orders up to what they are now.
    static func refresh(_ orders: [UUID]) -> Statement {
        Statement(refreshing + " WHERE o.id = ANY($1::uuid[]) ORDER BY o.id" + replacing, [.uuids(orders)])
    }

    /// Brings the view of the next orders behind `id` up to what they are now: `(id)`.
    static func refresh(after id: UUID, limit: Int) -> Statement {
        Statement(
            refreshing + " WHERE o.id > $1::uuid ORDER BY o.id LIMIT $2::int8" + replacing + " RETURNING id",
            [.uuid(id), .int8(Int64(limit))])
    }

    private static let refreshing = """
        INSERT INTO order_view
            (id, customer_id, status, reason, currency, total, lines, ship_to, created_at, updated_at)
        SELECT \(OrderStatements.columns) FROM orders o
        """

    private static let replacing = """
         ON CONFLICT (id) DO UPDATE
            SET status = excluded.status, reason = excluded.reason, updated_at = excluded.updated_at
        """

    /// How many facts wait to be shown, and for how many seconds the oldest has: `(count, age)`.
    static let census = Statement(
        """
        SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::float8 FROM order_facts
        """)

    // MARK: Reading the feed

    private static let entryColumns = "f.number, f.customer_id, f.order_id, f.status, f.reason, f.at"

    static func entry(_ row: Row) throws -> FeedEntry {
        FeedEntry(
            number: try row.int8(0), customerID: try row.text(1),
            change: StatusChange(
                orderID: try row.uuid(2), status: try row.rawValue(3),
                reason: try row.optionalText(4).flatMap(Reason.init(rawValue:)), at: try row.timestamp(5)))
    }

    /// The entries behind this number, of one order or of all.
    static func entries(after number: Int64, of order: UUID? = nil, limit: Int) -> Statement {
        var parameters: [Parameter] = [.int8(number), .int8(Int64(limit))]
        if let order { parameters.append(.uuid(order)) }
        return Statement(
            """
            SELECT \(entryColumns) FROM order_feed f
            WHERE f.number > $1::int8\(order == nil ? "" : " AND f.order_id = $3::uuid")
            ORDER BY f.number LIMIT $2::int8
            """, parameters)
    }

    /// The last entry of an order.
    static func lastEntry(of order: UUID) -> Statement {
        Statement(
            """
            SELECT \(entryColumns) FROM order_feed f WHERE f.order_id = $1::uuid ORDER BY f.number DESC LIMIT 1
            """, [.uuid(order)])
    }

    /// `(last_number, kept_from)`.
    static let bounds = Statement("SELECT last_number, kept_from FROM order_projection")

    /// Forgets the oldest entries of more than this age that were looked at for follow-ups, and notes from where on the feed
    /// is whole; affects as many rows as entries went.
    static func forgetEntries(olderThan age: Duration, limit: Int) -> Statement {
        Statement(
            """
            WITH gone AS (
                DELETE FROM order_feed WHERE number = ANY(ARRAY(
                    SELECT number FROM order_feed WHERE recorded_at < now() - make_interval(secs => $1::float8)
                      AND number <= (SELECT number FROM order_follow_up_mark)
                    ORDER BY number LIMIT $2::int8 FOR UPDATE SKIP LOCKED))
                RETURNING number),
            noted AS (
                UPDATE order_projection SET kept_from = greatest(kept_from, (SELECT max(number) + 1 FROM gone))
                WHERE EXISTS (SELECT FROM gone))
            SELECT number FROM gone
            """, [.double(age.inSeconds), .int8(Int64(limit))])
    }
}
