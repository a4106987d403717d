import Clocks
import Postgres

/// The statements of the inbox: which messages were handled, and what was answered.
package enum Inbox {
    /// Makes whoever handles messages of these orders wait for one another, in whatever process: between the look-up
    /// and the commit nobody else can act for the order, also where there is no row yet that could be locked.
    package static func serialise(_ orders: [UUID]) -> Statement {
        let keys = Set(orders.map { Int64(bitPattern: $0.high ^ $0.low) }).sorted()
        return Statement("SELECT pg_advisory_xact_lock(key) FROM unnest($1::int8[]) AS key", [.int8s(keys)])
    }

    /// Which of these messages were handled before: `(id, recorded reply or null)`.
    package static func lookUp(_ ids: [UUID]) -> Statement {
        Statement("SELECT id, reply_payload FROM inbox WHERE id = ANY($1::uuid[])", [.uuids(ids)])
    }

    /// Records messages as handled, with their replies, in the transaction that handles them.
    ///
    /// A unique violation would mean that another process handled one of them meanwhile: the whole transaction rolls
    /// back and is run again, and then finds the recorded answer.
    package static func record(_ replies: [(id: UUID, reply: [UInt8]?)]) -> Statement {
        let ordered = replies.sorted { $0.id < $1.id }
        return Statement(
            "INSERT INTO inbox (id, reply_payload) SELECT * FROM unnest($1::uuid[], $2::bytea[])",
            [.uuids(ordered.map(\.id)), .optionalBytesArray(ordered.map(\.reply))])
    }

    /// Adds the reply of messages that were recorded before their answer was known.
    package static func complete(_ replies: [(id: UUID, reply: [UInt8])]) -> Statement {
        Statement(
            """
            UPDATE inbox i SET reply_payload = r.reply FROM unnest($1::uuid[], $2::bytea[]) AS r(id, reply)
            WHERE i.id = r.id
            """, [.uuids(replies.map(\.id)), .bytesArray(replies.map(\.reply))])
    }
}
